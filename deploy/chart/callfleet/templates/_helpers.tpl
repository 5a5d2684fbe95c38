{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{- define "callfleet.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "callfleet.selectorLabels" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .stage }}
{{- end -}}

{{- define "callfleet.labels" -}}
{{ include "callfleet.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: callfleet
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "callfleet.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "callfleet.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "callfleet.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* What each stage reads; the group is callfleet.<stage> unless configured. */}}
{{- define "callfleet.topics" -}}
{{- get (dict "lookup" "call-started" "routing" "call-queued call-ended agent-state routing-log" "postcall" "call-ended") .stage -}}
{{- end -}}

{{/* Keys of the INI file that the named values stand for, as a dict in YAML. Later ones win: values, config, worker. */}}
{{- define "callfleet.config" -}}
{{- $v := .root.Values -}}
{{- $out := dict "kafka_brokers" (required "kafka.brokers is required" $v.kafka.brokers) "admin_listen" ":9100" "redis_url" $v.redis.url -}}
{{- if $v.kafka.topicPrefix }}{{ $_ := set $out "topic_prefix" $v.kafka.topicPrefix }}{{ end -}}
{{- if $v.redis.username }}{{ $_ := set $out "redis_username" $v.redis.username }}{{ end -}}
{{- range $key, $field := dict "redis_password_file" "passwordKey" "redis_ca_file" "caKey" "redis_cert_file" "certKey" "redis_key_file" "privateKeyKey" -}}
{{- with get $v.redis $field }}{{ $_ := set $out $key (printf "/etc/callfleet/redis/%s" .) }}{{ end -}}
{{- end -}}
{{- if ne .stage "routing" -}}
{{- $sf := $v.salesforce -}}
{{- $_ := set $out "sf_login_url" $sf.loginUrl -}}
{{- $_ := set $out "sf_api_version" $sf.apiVersion -}}
{{- $_ := set $out "sf_grant" $sf.grant -}}
{{- range $key, $field := dict "sf_client_id" "clientId" "sf_username" "username" "sf_jwt_audience" "audience" -}}
{{- with get $sf $field }}{{ $_ := set $out $key . }}{{ end -}}
{{- end -}}
{{- range $key, $field := dict "sf_client_secret_file" "clientSecretKey" "sf_password_file" "passwordKey" "sf_jwt_key_file" "jwtKeyKey" "sf_ca_file" "caKey" -}}
{{- with get $sf $field }}{{ $_ := set $out $key (printf "/etc/callfleet/salesforce/%s" .) }}{{ end -}}
{{- end -}}
{{- else if .worker.policy -}}
{{- $_ := set $out "policy_file" "/etc/callfleet/config/policy.json" -}}
{{- end -}}
{{- mergeOverwrite $out (deepCopy $v.config) (deepCopy .worker.config) | toYaml -}}
{{- end -}}

{{/* librdkafka's properties; a file: value is read by the worker as a secret. */}}
{{- define "callfleet.kafkaProperties" -}}
{{- $k := .Values.kafka -}}
{{- $out := deepCopy $k.properties -}}
{{- with $k.passwordKey }}{{ $_ := set $out "sasl.password" (printf "file:/etc/callfleet/kafka/%s" .) }}{{ end -}}
{{- with $k.caKey }}{{ $_ := set $out "ssl.ca.location" (printf "/etc/callfleet/kafka/%s" .) }}{{ end -}}
{{- with $k.certKey }}{{ $_ := set $out "ssl.certificate.location" (printf "/etc/callfleet/kafka/%s" .) }}{{ end -}}
{{- with $k.privateKeyKey }}{{ $_ := set $out "ssl.key.location" (printf "/etc/callfleet/kafka/%s" .) }}{{ end -}}
{{- toYaml $out -}}
{{- end -}}

{{/* One "key = value" line; what cannot be one line, and what the chart must not hold, is refused. */}}
{{- define "callfleet.iniLine" -}}
{{- $value := .value | toString -}}
{{- if kindIs "float64" .value }}{{ $value = printf "%.0f" .value }}{{ end -}}
{{- if contains "\n" $value }}{{ fail (printf "%s: a value is one line" .key) }}{{ end -}}
{{- if and (regexMatch "(password|secret|key\\.pem)" .key) (not (hasPrefix "file:/" $value)) (not (hasSuffix "_file" .key)) -}}
{{- fail (printf "%s: secrets come from an existingSecret, not from values" .key) -}}
{{- end -}}
{{- if regexMatch "://[^/@]*:[^/@]*@" $value }}{{ fail (printf "%s: no password in a URL; use existingSecret" .key) }}{{ end -}}
{{ .key }} = {{ $value }}
{{- end -}}

{{- define "callfleet.ini" -}}
{{- range $key, $value := include "callfleet.config" . | fromYaml }}
{{ include "callfleet.iniLine" (dict "key" $key "value" $value) }}
{{- end }}

[kafka]
{{- range $key, $value := include "callfleet.kafkaProperties" .root | fromYaml }}
{{ include "callfleet.iniLine" (dict "key" $key "value" $value) }}
{{- end }}
{{- range $section, $entries := .worker.sections }}

[{{ $section }}]
{{- range $key, $value := $entries }}
{{ include "callfleet.iniLine" (dict "key" $key "value" $value) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Group of a stage: what its configuration says, else the default. */}}
{{- define "callfleet.group" -}}
{{- $config := include "callfleet.config" . | fromYaml -}}
{{- default (printf "callfleet.%s" .stage) $config.group -}}
{{- end -}}

{{- define "callfleet.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "callfleet.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
# Makes the secret files readable to the worker: root's own, group 65532, mode 0440.
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "callfleet.volumeMounts" -}}
- name: config
  mountPath: /etc/callfleet/config
  readOnly: true
{{- range $name := list "kafka" "redis" "salesforce" }}
{{- $section := get $.root.Values $name }}
{{- if and $section.existingSecret (or (ne $name "salesforce") (ne $.stage "routing")) }}
# No subPath: such a mount would never see a changed secret.
- name: {{ $name }}
  mountPath: /etc/callfleet/{{ $name }}
  readOnly: true
{{- end }}
{{- end }}
{{- with .root.Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "callfleet.volumes" -}}
- name: config
  configMap:
    name: {{ include "callfleet.fullname" .root }}-{{ .stage }}
{{- range $name := list "kafka" "redis" "salesforce" }}
{{- $section := get $.root.Values $name }}
{{- if and $section.existingSecret (or (ne $name "salesforce") (ne $.stage "routing")) }}
- name: {{ $name }}
  secret:
    secretName: {{ $section.existingSecret }}
    defaultMode: 0400
{{- end }}
{{- end }}
{{- with .root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
