package k8srequirenonroot

violation[{"msg": msg}] {
  container := containers[_]
  not exempt(container.image)
  may_be_root(container)
  msg := sprintf("container %v may run as root; set securityContext.runAsNonRoot: true and a runAsUser above 0", [container.name])
}

containers[container] { container := input.review.object.spec.containers[_] }
containers[container] { container := input.review.object.spec.initContainers[_] }
containers[container] { container := input.review.object.spec.ephemeralContainers[_] }

may_be_root(container) { setting(container, "runAsUser") == 0 }
may_be_root(container) { not setting(container, "runAsNonRoot") }

# A container's own setting, or else its pod's.
setting(container, name) = value { value := container.securityContext[name] }
setting(container, name) = value {
  not has(container, name)
  value := input.review.object.spec.securityContext[name]
}

has(container, name) { _ = container.securityContext[name] }

# Without delimiters, as a tag has dots.
exempt(image) { glob.match(input.parameters.exemptImages[_], null, image) }
