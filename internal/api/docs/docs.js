// Shows /api/v1/openapi.json. Everything is put into the page as text.
const make = (tag, className, ...children) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((c) => c !== undefined && c !== null && c !== ''));
  return node;
};

const refName = (ref) => ref.replace('#/components/schemas/', '');

// typeOf tells a schema in a few words; a reference becomes a link.
const typeOf = (schema) => {
  if (!schema) return 'anything';
  if (schema.$ref) {
    const link = make('a', '', refName(schema.$ref));
    link.href = `#schema-${refName(schema.$ref)}`;
    return link;
  }
  const several = schema.anyOf ?? schema.oneOf;
  if (several) {
    const out = make('span');
    several.forEach((s, i) => out.append(i > 0 ? ' or ' : '', typeOf(s)));
    return out;
  }
  if (schema.items) return make('span', '', 'list of ', typeOf(schema.items));
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : (schema.type ?? 'anything');
  const words = [type];
  if (schema.format) words.push(`(${schema.format})`);
  if (schema.enum) words.push(`: ${schema.enum.join(', ')}`);
  if (schema.additionalProperties && typeof schema.additionalProperties === 'object') {
    return make('span', '', 'map of ', typeOf(schema.additionalProperties));
  }
  return words.join(' ');
};

const table = (rows) => {
  const body = make('tbody');
  for (const [name, type, text] of rows) {
    body.append(make('tr', '', make('th', '', make('code', '', name)), make('td', '', type), make('td', 'muted', text ?? '')));
  }
  return make('table', '', body);
};

const properties = (schema) =>
  table(
    Object.entries(schema.properties ?? {}).map(([name, s]) => [
      name + (schema.required?.includes(name) ? '' : '?'),
      typeOf(s),
      s.description,
    ]),
  );

const bodyOf = (content, schemas) => {
  const out = make('div');
  for (const [kind, { schema }] of Object.entries(content ?? {})) {
    out.append(make('p', '', make('code', '', kind), ' ', typeOf(schema)));
    const known = schema?.$ref ? schemas[refName(schema.$ref)] : schema;
    if (known?.properties) out.append(properties(known));
  }
  return out;
};

const operation = (method, path, op, schemas) => {
  const body = make('div', 'body');
  if (op.security) body.append(make('p', 'note', 'Needs a session.'));
  if (op.parameters?.length) {
    body.append(make('h3', '', 'Parameters'));
    body.append(table(op.parameters.map((p) => [p.name, typeOf(p.schema), `${p.in}; ${p.description ?? ''}`])));
  }
  if (op.requestBody) body.append(make('h3', '', 'Body'), bodyOf(op.requestBody.content, schemas));
  for (const [status, answer] of Object.entries(op.responses)) {
    body.append(make('h3', '', status === 'default' ? 'Refused' : status));
    body.append(answer.content ? bodyOf(answer.content, status === 'default' ? {} : schemas) : make('p', 'muted', answer.description));
  }
  const summary = make('summary', '', make('span', 'method', method.toUpperCase()), make('span', 'path', path), make('span', 'muted', op.summary));
  const node = make('details', '', summary, body);
  node.dataset.words = `${method} ${path} ${op.summary}`.toLowerCase();
  return node;
};

const show = (spec) => {
  const schemas = spec.components.schemas;
  document.getElementById('about').textContent = `${spec.info.description} Version ${spec.info.version}.`;
  const main = document.getElementById('operations');
  main.textContent = '';
  for (const { name } of spec.tags) {
    const section = make('section', '', make('h2', '', name));
    for (const [path, item] of Object.entries(spec.paths)) {
      for (const [method, op] of Object.entries(item)) {
        if (op.tags?.includes(name)) section.append(operation(method, path, op, schemas));
      }
    }
    main.append(section);
  }
  const list = document.getElementById('schemas');
  for (const [name, schema] of Object.entries(schemas)) {
    const node = make('details', '', make('summary', '', make('code', '', name)), make('div', 'body', properties(schema)));
    node.id = `schema-${name}`;
    list.append(node);
  }
};

document.getElementById('find').addEventListener('input', (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  for (const node of document.querySelectorAll('#operations details')) node.hidden = !node.dataset.words.includes(wanted);
});

addEventListener('hashchange', () => {
  const node = document.getElementById(location.hash.slice(1));
  if (node) node.open = true;
});

try {
  const answer = await fetch('/api/v1/openapi.json');
  if (!answer.ok) throw new Error(`The document could not be loaded (${answer.status}).`);
  show(await answer.json());
} catch (error) {
  document.getElementById('operations').textContent = error.message;
}
