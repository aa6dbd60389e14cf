document.querySelectorAll("table.sort").forEach(function (table) {
  var head = [].slice.call(table.tHead.rows[0].cells), body = table.tBodies[0];
  function key(row, at) {
    var cell = row.cells[at], value = cell.getAttribute("data-v");
    return value === null ? cell.textContent.trim() : value === "" ? null : Number(value);
  }
  function compare(one, other) {
    return typeof one === "number" ? one - other : one.localeCompare(other, undefined, { numeric: true });
  }
  head.forEach(function (cell, at) {
    var button = document.createElement("button");
    button.type = "button";
    while (cell.firstChild) button.appendChild(cell.firstChild);
    cell.appendChild(button);
    button.addEventListener("click", function () {
      var falling = cell.getAttribute("aria-sort") === "ascending";
      head.forEach(function (other) { other.removeAttribute("aria-sort"); });
      cell.setAttribute("aria-sort", falling ? "descending" : "ascending");
      [].slice.call(body.rows).sort(function (p, q) {
        var one = key(p, at), other = key(q, at);
        if (one === null || other === null) return (one === null) - (other === null);
        return falling ? compare(other, one) : compare(one, other);
      }).forEach(function (row) { body.appendChild(row); });
    });
  });
});
