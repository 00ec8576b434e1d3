// The content of the YAML files in this folder. tests/kubernetes/render.mjs writes them.
local credwatch = import 'main.libsonnet';

local files = {
  'config/config.yaml': credwatch.config,
  'one/credwatch.yaml': credwatch.one,
  'shards/credwatch.yaml': credwatch.sharded,
  'operator/credwatch.yaml': credwatch.operator,
  'outside/scrapeconfig.yaml': credwatch.outside,
  'grafana/boards.yaml': credwatch.dashboards,
};

{ [file]: [{ comment: object.comment, object: object } for object in files[file]] for file in std.objectFields(files) }
