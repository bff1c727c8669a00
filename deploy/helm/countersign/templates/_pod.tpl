{{- define "countersign.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "countersign.secret" -}}
{{- .Values.secret.existing | default (include "countersign.name" .) -}}
{{- end -}}

{{- define "countersign.selector" -}}
app.kubernetes.io/name: countersign
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "countersign.labels" -}}
{{ include "countersign.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* One key of the Secret as a variable. Workers get those that they need, and no other. */}}
{{- define "countersign.fromSecret" -}}
- name: {{ .key }}
  valueFrom:
    secretKeyRef: {name: {{ .secret }}, key: {{ .key }}}
{{- end -}}

{{/* The pod of a role. `role` is gateway, worker or single; `of` are its values; `work` are those of what runs agents. */}}
{{- define "countersign.pod" -}}
{{- $root := .root -}}
{{- $isWorker := ne .role "gateway" -}}
metadata:
  labels:
    {{- include "countersign.selector" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
    {{- with $root.Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    # A pod reads its configuration when it starts, so another configuration is another pod.
    checksum/config: {{ include (print $root.Template.BasePath "/configmap.yaml") $root | sha256sum }}
    {{- if not $root.Values.secret.existing }}
    checksum/secret: {{ include (print $root.Template.BasePath "/secret.yaml") $root | sha256sum }}
    {{- end }}
    {{- with $root.Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  # The bot never calls Kubernetes.
  automountServiceAccountToken: false
  enableServiceLinks: false
  # So that the processes that graphs leave behind are reaped.
  shareProcessNamespace: true
  # A role that has not ended is killed 5 seconds after its grace, by the bot itself.
  terminationGracePeriodSeconds: {{ add $root.Values.shutdownGrace 15 }}
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: {{ .role }}
      image: {{ printf "%s%s" $root.Values.image.repository (ternary (printf "@%s" $root.Values.image.digest) (printf ":%s" ($root.Values.image.tag | default $root.Chart.AppVersion)) (ne $root.Values.image.digest "")) | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      {{- if eq .role "single" }}
      # If another pod still has the volume's files, it waits for that one to end.
      command: [python, -m, bot, run, --wait]
      {{- else }}
      command: [python, -m, bot, run, --role, {{ .role }}]
      {{- end }}
      env:
        - {name: STATE_DIR, value: /app/state/bot}
        - {name: POLICY_FILE, value: /etc/countersign/policies.yaml}
        - {name: HTTP_BIND, value: "0.0.0.0:{{ $root.Values.http.port }}"}
        - {name: SHUTDOWN_GRACE, value: {{ $root.Values.shutdownGrace | quote }}}
        {{- if $root.Values.servers }}
        - {name: SERVERS_FILE, value: /etc/countersign/servers.yaml}
        {{- end }}
        {{- if eq .role "worker" }}
        {{- include "countersign.fromSecret" (dict "key" "SLACK_BOT_TOKEN" "secret" (include "countersign.secret" $root)) | nindent 8 }}
        {{- include "countersign.fromSecret" (dict "key" "REDIS_URL" "secret" (include "countersign.secret" $root)) | nindent 8 }}
        {{- end }}
        {{- with .env }}{{ toYaml . | nindent 8 }}{{ end }}
      envFrom:
        - configMapRef: {name: {{ include "countersign.name" $root }}-settings}
        {{- if ne .role "worker" }}
        - secretRef: {name: {{ include "countersign.secret" $root }}}
        {{- end }}
        {{- with .envFrom }}{{ toYaml . | nindent 8 }}{{ end }}
      ports:
        - {name: http, containerPort: {{ $root.Values.http.port }}}
      # Agents may take long to load: up to five minutes.
      startupProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 5
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 5
        timeoutSeconds: 5
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      resources: {{ toYaml .of.resources | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/countersign, readOnly: true}
        {{- if and $isWorker $root.Values.langgraph }}
        # Over the image's own, because paths in it count from its folder.
        - {name: config, mountPath: /app/langgraph.json, subPath: langgraph.json, readOnly: true}
        {{- end }}
        - {name: state, mountPath: /app/state}
        - {name: tmp, mountPath: /tmp}
        {{- if $isWorker }}
        - {name: files, mountPath: /app/var}
        {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "countersign.name" $root }}}
    {{- if ne .role "single" }}
    - name: state
      emptyDir: {sizeLimit: 256Mi}
    {{- end }}
    - name: tmp
      emptyDir: {sizeLimit: 1Gi}
    {{- if $isWorker }}
    - name: files
      {{- if $root.Values.worker.filesClaim }}
      persistentVolumeClaim: {claimName: {{ $root.Values.worker.filesClaim }}}
      {{- else }}
      emptyDir: {}
      {{- end }}
    {{- end }}
  {{- with .of.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .of.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .of.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- if ne .role "single" }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "countersign.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ .role }}
  {{- end }}
{{- end -}}
