{{- define "service.name" -}}
{{ .Values.name | default .Release.Name }}
{{- end }}

{{/* What a selector holds: it can never be changed, so nothing stands in it that might. */}}
{{- define "service.selector" -}}
app.kubernetes.io/name: {{ include "service.name" . }}
{{- end }}

{{/* A pod has these; the chart's version is not among them, or each new one would replace all pods. */}}
{{- define "service.labels" -}}
{{ include "service.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An object's metadata. top: the root; name: its own; of: its values; annotations: from the template. */}}
{{- define "service.metadata" -}}
name: {{ .name }}
namespace: {{ .top.Release.Namespace }}
labels:
  {{- $shared := include "service.labels" .top | fromYaml }}
  {{- merge (dict "helm.sh/chart" (printf "%s-%s" .top.Chart.Name .top.Chart.Version)) (.of.labels | default dict) $shared | toYaml | nindent 2 }}
{{- with merge (deepCopy (.of.annotations | default dict)) (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "service.image" -}}
{{- $image := .Values.image }}
{{- $repository := $image.repository | default (include "service.name" .) }}
{{- if $image.digest }}{{ $repository }}@{{ $image.digest }}
{{- else }}{{ $repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* Of all settings, so that a change replaces the pods: by themselves they would not read it. */}}
{{- define "service.checksum" -}}
{{- $lines := list }}
{{- range $key, $value := merge (deepCopy .Values.files) .Values.config }}
{{- $lines = append $lines (printf "%s=%s" $key $value) }}
{{- end }}
{{- join "\n" $lines | sha256sum | trunc 16 }}
{{- end }}

{{/* The spec of a Job, with the service's image where a container names none. top, spec */}}
{{- define "service.jobSpec" -}}
{{- $top := .top }}
{{- $spec := deepCopy .spec }}
{{- $pod := $spec.template.spec }}
{{- range $container := concat ($pod.initContainers | default list) $pod.containers }}
{{- if not $container.image }}
{{- $_ := set $container "image" (include "service.image" $top) }}
{{- end }}
{{- end }}
{{- toYaml $spec }}
{{- end }}
