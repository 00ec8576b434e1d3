// The pod of the Deployment and of the StatefulSet.
{
  local config = $._config,

  selected:: { 'app.kubernetes.io/name': config.name },

  metadata(suffix=''):: {
    name: config.name + suffix,
    [if config.namespace != null then 'namespace']: config.namespace,
    labels: $.selected + config.labels,
  },

  local fromField(name, path) = { name: name, valueFrom: { fieldRef: { fieldPath: path } } },

  // The ends of the names that a cluster gives to a Service.
  local domains = ['', '.$(POD_NAMESPACE)', '.$(POD_NAMESPACE).svc', '.$(POD_NAMESPACE).svc.cluster.local'],

  // `arguments` are those of one kind of object; requests may name the `hosts`.
  podTemplate(arguments, volumes=[], hosts=[config.name]):: {
    metadata: { labels: $.selected + config.labels },
    spec: {
      // credwatch does not use the API of Kubernetes.
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      // credwatch stops within a second.
      terminationGracePeriodSeconds: 10,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65532,
        runAsGroup: 65532,
        // The group that can read the secret files and write the state.
        fsGroup: 65532,
        // A volume with many files would delay each start.
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [{
        name: 'credwatch',
        image: config.image,
        args: [
          'run',
          '--config.file=/etc/credwatch/credwatch.toml',
          '--web.listen-address=:9797',
          '--storage.path=/var/lib/credwatch',
          // The names for `kubectl port-forward`, as in the image. Without the flag, a page of another site could read this one.
          '--web.allowed-hosts=localhost,127.0.0.1,[::1],credwatch',
          '--log.format=json',
          '--web.allowed-hosts=' + std.join(',', [host + domain for host in hosts for domain in domains]),
        ] + arguments + config.arguments,
        env: [
          // `--shard` needs the number at the end of the name of a pod.
          fromField('POD_NAME', 'metadata.name'),
          // The page shows the command that probes a provider in this pod.
          fromField('POD_NAMESPACE', 'metadata.namespace'),
        ],
        ports: [{ name: 'http', containerPort: 9797 }],
        // A broken credential changes neither /livez nor /readyz, because credwatch itself works.
        livenessProbe: { httpGet: { path: '/livez', port: 'http' }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
        readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 5, timeoutSeconds: 5 },
        resources: config.resources,
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 'config', mountPath: '/etc/credwatch', readOnly: true },
          { name: 'secrets', mountPath: '/run/secrets/credwatch', readOnly: true },
          { name: 'state', mountPath: '/var/lib/credwatch' },
        ],
      }],
      volumes: [
        { name: 'config', configMap: { name: config.name } },
        { name: 'secrets', secret: { secretName: config.name, defaultMode: std.parseOctal('440') } },
      ] + volumes,
    },
  },

  stateClaim:: {
    accessModes: ['ReadWriteOnce'],
    [if config.storageClass != null then 'storageClassName']: config.storageClass,
    resources: { requests: { storage: config.stateSize } },
  },
}
