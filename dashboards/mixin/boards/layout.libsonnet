// Places panels from left to right and from top to bottom. An item is [panel, width, height]; a board is 24 units wide. A list
// instead of a panel is a column: its members are [panel, height].
{
  local column(item) = if std.isArray(item[0]) then item[0] else [[item[0], item[2]]],
  local placed(item, x, y) = std.foldl(
    function(done, member) {
      y: done.y + member[1],
      panels: done.panels + [member[0] { gridPos: { x: x, y: done.y, w: item[1], h: member[1] } }],
    },
    column(item),
    { y: y, panels: [] },
  ).panels,

  // The items with their positions, from line `top` on.
  local flow(items, top) = std.foldl(
    function(done, item)
      local fits = done.x + item[1] <= 24;
      local x = if fits then done.x else 0;
      local y = if fits then done.y else done.bottom;
      {
        x: x + item[1],
        y: y,
        bottom: std.max(done.bottom, y + item[2]),
        panels: done.panels + placed(item, x, y),
      },
    items,
    { x: 0, y: top, bottom: top, panels: [] },
  ),

  // The rows below each other. The panels of a closed row are in the row, and begin one line below it.
  local stack(rows, top) = std.foldl(
    function(done, row)
      local inside = flow(row.panels, done.bottom + 1);
      local heading = { type: 'row', title: row.title, gridPos: { x: 0, y: done.bottom, w: 24, h: 1 } };
      if row.open
      then { bottom: inside.bottom, panels: done.panels + [heading { collapsed: false, panels: [] }] + inside.panels }
      else { bottom: done.bottom + 1, panels: done.panels + [heading { collapsed: true, panels: inside.panels }] },
    rows,
    { bottom: top, panels: [] },
  ),

  // Gives each panel a number.
  local numbered(panels) = std.foldl(
    function(done, panel)
      local inside = std.get(panel, 'panels', []);
      local own = panel { id: done.next } + (if inside == [] then {} else {
        panels: [inside[index] { id: done.next + 1 + index } for index in std.range(0, std.length(inside) - 1)],
      });
      { next: done.next + 1 + std.length(inside), panels: done.panels + [own] },
    panels,
    { next: 1, panels: [] },
  ).panels,

  place(items, rows)::
    local first = flow(items, 0);
    numbered(first.panels + stack(rows, first.bottom).panels),
}
