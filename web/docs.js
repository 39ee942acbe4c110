/* Shows /openapi.json as a page: every address with its parameters and answers. */
"use strict";

const $ = (id) => document.getElementById(id);

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function follow(contract, node) {
  return node && node.$ref ? node.$ref.slice(2).split("/").reduce((at, name) => at[name], contract) : node;
}

function table(heads, rows) {
  const made = element("table"), head = element("tr"), body = element("tbody"), thead = element("thead");
  for (const text of heads) {
    const cell = element("th", text);
    cell.scope = "col";
    head.append(cell);
  }
  for (const row of rows) {
    const line = element("tr");
    for (const text of row) line.append(element("td", text));
    body.append(line);
  }
  thead.append(head);
  made.append(thead, body);
  return made;
}

function typeOf(schema) {
  const parts = [[schema.type].flat().join(" or ")];
  if (schema.minimum !== undefined) parts.push(`${schema.minimum} to ${schema.maximum}`);
  if (schema.default !== undefined) parts.push(`default ${schema.default}`);
  return parts.filter(Boolean).join(", ");
}

function operationPanel(contract, path, operation) {
  const panel = element("section", undefined, "panel operation");
  panel.id = operation.operationId;
  const head = element("h3");
  head.append(element("span", "GET"), path);
  panel.append(head, element("p", operation.summary));
  if (operation.description) panel.append(element("p", operation.description, "muted text"));
  const parameters = (operation.parameters || []).map((parameter) => follow(contract, parameter));
  if (parameters.length)
    panel.append(table(["Parameter", "In", "Type", "Meaning"], parameters.map((each) => [each.name, each.in, typeOf(each.schema || {}), each.description || ""])));
  panel.append(table(["Answer", "Meaning"], Object.entries(operation.responses).map(([status, response]) => [status, follow(contract, response).description])));
  return panel;
}

async function begin() {
  const contract = await (await fetch("/openapi.json")).json();
  $("title").textContent = `${contract.info.title} ${contract.info.version}`;
  $("summary").textContent = contract.info.summary;
  $("description").textContent = contract.info.description;
  for (const tag of contract.tags) {
    const heading = element("h2", `${tag.name}: ${tag.description}`);
    heading.style.marginTop = "20px";
    $("operations").append(heading);
    for (const [path, methods] of Object.entries(contract.paths))
      if (methods.get.tags.includes(tag.name)) $("operations").append(operationPanel(contract, path, methods.get));
  }
  const wanted = location.hash && $(location.hash.slice(1));
  if (wanted) wanted.scrollIntoView();
}

begin().catch((error) => { $("description").textContent = `The contract can't be read: ${error.message}`; });
