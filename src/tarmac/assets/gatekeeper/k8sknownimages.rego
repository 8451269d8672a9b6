package k8sknownimages

violation[{"msg": msg}] {
  image := images[_]
  not versioned(image)
  msg := sprintf("image %v has no version; write a tag other than latest, or a digest", [image])
}

violation[{"msg": msg}] {
  image := images[_]
  not known(image)
  msg := sprintf("image %v is of an unknown repository; push it to one of: %v", [image, concat(", ", input.parameters.repositories)])
}

images[image] { image := input.review.object.spec.containers[_].image }
images[image] { image := input.review.object.spec.initContainers[_].image }
images[image] { image := input.review.object.spec.ephemeralContainers[_].image }

versioned(image) { contains(image, "@sha256:") }
versioned(image) {
  parts := split(image, "/")
  name := parts[count(parts) - 1]
  contains(name, ":")
  not endswith(name, ":latest")
}

known(image) { startswith(image, sprintf("%v:", [input.parameters.repositories[_]])) }
known(image) { startswith(image, sprintf("%v@", [input.parameters.repositories[_]])) }
