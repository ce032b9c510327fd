"use strict";
// Shows what /2/openapi.json says. Texts only ever become text nodes.
const VERBS = ["get", "put", "post", "delete"];
let api = null;

function make(tag, text, kind) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (kind) node.className = kind;
  return node;
}

function resolved(node) {
  if (!node || !node.$ref) return node;
  return node.$ref.slice(2).split("/").reduce((at, part) => at[part], api);
}

function named(schema) {
  return schema.$ref ? schema.$ref.split("/").pop() : "";
}

// A schema in a few words.
function words(schema) {
  if (!schema || schema === true || !Object.keys(schema).length) return "anything";
  if (schema.$ref) {
    const found = resolved(schema);
    return found.enum ? words(found) : named(schema);
  }
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const several = schema.anyOf || schema.oneOf;
  if (several) return several.map(words).join(" | ");
  if (schema.type === "array") {
    if (schema.prefixItems) return "[" + schema.prefixItems.map(words).join(", ") + "]";
    return "list of " + words(schema.items);
  }
  if (schema.type === "object" && schema.additionalProperties && schema.additionalProperties.type)
    return "object of " + words(schema.additionalProperties);
  return schema.description || schema.type || "anything";
}

function table(heads, rows) {
  const made = make("table");
  const top = made.createTHead().insertRow();
  for (const head of heads) {
    const cell = make("th", head);
    cell.scope = "col";
    top.append(cell);
  }
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((text, index) => line.insertCell().append(make(index ? "span" : "code", text)));
  }
  return made;
}

function fields(schema) {
  const needed = new Set(schema.required || []);
  for (const rule of schema.allOf || [])
    for (const one of rule.oneOf || []) for (const name of one.required) needed.add(name);
  return table(["name", "value", "", "default"], Object.keys(schema.properties).map((name) => {
    const own = schema.properties[name];
    const note = needed.has(name) ? "needed" : "";
    const standard = own.default === undefined ? "" : JSON.stringify(own.default);
    return [name, words(own), own.deprecated ? `${note} old name`.trim() : note, standard];
  }));
}

// The components that a schema names, so that they can be shown below it.
function components(schema, found) {
  if (!schema || typeof schema !== "object") return found;
  if (schema.$ref && !found.has(named(schema)) && resolved(schema).properties) {
    found.add(named(schema));
    components(resolved(schema), found);
  }
  for (const inner of Object.values(schema)) if (typeof inner === "object") components(inner, found);
  return found;
}

function showSchema(place, schema) {
  const whole = resolved(schema);
  if (whole.properties) place.append(fields(whole));
  else place.append(make("p", words(schema)));
  for (const name of components(whole, new Set())) {
    place.append(make("h3", name), fields(api.components.schemas[name]));
  }
}

function showInside(place, path, verb, operation, shared) {
  const access = operation["x-ganeti-access"];
  const who = access ? `Needs a user with the option ${access.join(" or ")}.`
    : "For anybody, unless the daemon was told to ask everybody for a name.";
  place.append(make("p", who));
  const opcode = operation["x-ganeti-opcode"];
  if (opcode) place.append(make("p", `Queues a job with ${opcode}.`));
  const parameters = [...shared, ...operation.parameters];
  if (parameters.length) {
    place.append(make("h3", "In the URL"), table(["name", "value", "where", ""], parameters.map(
      (one) => [one.name, words(one.schema), one.in, one.required ? "needed" : ""])));
  }
  const body = operation.requestBody;
  if (body) {
    place.append(make("h3", "Body" + (body.required ? "" : ", if any")));
    showSchema(place, body.content["application/json"].schema);
  }
  const content = operation.responses[200].content;
  for (const kind of Object.keys(content)) {
    place.append(make("h3", `Answer, ${kind}`));
    showSchema(place, content[kind].schema);
  }
  const result = operation["x-ganeti-job-result"];
  if (result) place.append(make("h3", "Result of the job's opcode"), make("p", words(result)));
  place.append(make("h3", "By hand"), make("pre", command(path, verb, access, body)));
}

function command(path, verb, access, body) {
  const user = access ? " -u NAME" : "";
  const how = verb === "get" ? "" : ` -X ${verb.toUpperCase()}`;
  const data = body ? " -H 'Content-Type: application/json' -d '{}'" : "";
  return `curl --cacert rapi.pem${user}${how}${data} '${location.origin}${path}'`;
}

function operationNode(path, verb, operation, shared) {
  const node = make("details");
  const line = make("summary");
  line.append(make("span", verb.toUpperCase(), `verb ${verb}`), make("span", path, "path"),
    make("span", operation.summary, "what"));
  node.append(line);
  node.id = operation.operationId;
  const known = [verb, path, operation.summary, operation["x-ganeti-opcode"] || ""];
  node.dataset.words = known.join(" ").toLowerCase();
  node.addEventListener("toggle", () => {
    if (!node.open || node.children.length > 1) return;
    const inside = make("div", undefined, "inside");
    showInside(inside, path, verb, operation, shared);
    node.append(inside);
  });
  return node;
}

function show() {
  const list = document.getElementById("list");
  const nouns = new Map();
  for (const [path, item] of Object.entries(api.paths))
    for (const verb of VERBS) if (item[verb]) {
      const noun = item[verb].tags[0];
      if (!nouns.has(noun)) nouns.set(noun, []);
      nouns.get(noun).push(operationNode(path, verb, item[verb], item.parameters || []));
    }
  list.replaceChildren(...[...nouns.keys()].sort().map((noun) => {
    const section = make("section");
    section.append(make("h2", noun), ...nouns.get(noun));
    return section;
  }));
  document.getElementById("about").textContent = api.info.description.split("\n")[0];
  document.getElementById("title").textContent = `Ganeti ${api.info.version}: REST API`;
}

function filter() {
  const wanted = document.getElementById("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const section of document.querySelectorAll("section")) {
    let any = false;
    for (const node of section.querySelectorAll("details")) {
      node.hidden = !wanted.every((word) => node.dataset.words.includes(word));
      any = any || !node.hidden;
      shown += node.hidden ? 0 : 1;
    }
    section.hidden = !any;
  }
  document.getElementById("count").textContent = `${shown} methods`;
}

function openNamed() {
  const node = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (node && node.tagName === "DETAILS") {
    node.open = true;
    node.scrollIntoView({ block: "center" });
  }
}

async function load() {
  try {
    const answer = await fetch("openapi.json");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    api = await answer.json();
  } catch (error) {
    document.getElementById("state").textContent = `The description did not come: ${error.message}`;
    return;
  }
  show();
  filter();
  openNamed();
  document.getElementById("filter").addEventListener("input", filter);
  window.addEventListener("hashchange", openNamed);
}

load();
