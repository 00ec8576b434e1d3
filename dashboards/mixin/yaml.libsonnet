// Reads a file of rules. std.parseYaml of jsonnet 0.18, the version of Debian, fails at backslashes and at line breaks in
// values. So both become signs before the parsing, and `expr: |` becomes one line. Afterwards the signs are replaced.
local newline = '␤';
local backslash = '⧵';
local inner = '          ';

// How many lines belong to the expression: those that are deeper than its key.
local depth(lines, count=0) = if count < std.length(lines) && std.startsWith(lines[count], inner) then depth(lines, count + 1) else count;

local oneLine(piece) =
  local lines = std.split(piece, '\n');
  local count = depth(lines);
  local text = std.join(newline, [std.substr(line, std.length(inner), std.length(line)) for line in lines[:count]]);
  "'%s%s'\n%s" % [std.strReplace(text, "'", "''"), newline, std.join('\n', lines[count:])];

local restored(value) =
  if std.isString(value) then std.strReplace(std.strReplace(value, newline, '\n'), backslash, '\\')
  else if std.isObject(value) then { [name]: restored(value[name]) for name in std.objectFields(value) }
  else if std.isArray(value) then [restored(item) for item in value]
  else value;

function(text)
  local pieces = std.split(std.strReplace(std.strReplace(text, '\\', backslash), '        expr: |\n', '        expr: ¶'), '¶');
  restored(std.parseYaml(std.join('', [pieces[0]] + [oneLine(piece) for piece in pieces[1:]])).groups)
