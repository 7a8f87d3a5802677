// Other models of the server: fields made from what each of their uses takes.
const PICTURES = ["image", "parsing", "hints", "reference"];

function element(tag, text, attributes = {}) {
  const made = Object.assign(document.createElement(tag), attributes);
  if (text) made.textContent = text;
  return made;
}

async function base64(file) {
  const url = await new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = failed;
    reader.readAsDataURL(file);
  });
  return url.slice(url.indexOf(",") + 1);
}

function field(name, use) {
  const label = element("label", `${name} `);
  const input = element("input", "", { name });
  if (PICTURES.includes(name)) Object.assign(input, { type: "file", accept: "image/*" });
  else if (name === "style") Object.assign(input, { type: "text", placeholder: "0.1, -0.4, ..." });
  else {
    const fraction = name === "truncation";
    Object.assign(input, { type: "number", step: fraction ? "0.05" : "1" });
    const given = use.defaults[name];
    input.value = given ?? (fraction ? 1 : 0);
  }
  label.append(input);
  return label;
}

async function values(form, use) {
  const body = {};
  for (const name of use.inputs) {
    const input = form.elements[name];
    if (PICTURES.includes(name)) {
      if (input.files[0]) body[name] = await base64(input.files[0]);
    } else if (input.value !== "") {
      body[name] = name === "style" ? input.value.split(",").map(Number) : Number(input.value);
    }
  }
  return body;
}

// Draws a box for each use of each model into `root`; `call(path, body)` asks the server.
export async function showModels(root, call) {
  const models = await (await call("api/models")).json();
  for (const [model, uses] of Object.entries(models)) {
    for (const [name, use] of Object.entries(uses)) {
      const box = element("section");
      box.append(element("h2", `${model}: ${name}`), element("p", use.help || use.output));
      const form = element("form", "", { className: "fields" });
      form.append(...use.inputs.map((input) => field(input, use)));
      const button = element("button", "Run", { className: "main", type: "submit" });
      form.append(button);
      const out = element("div");
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        button.disabled = true;
        try {
          const body = { use: name, ...(await values(form, use)) };
          const path = `api/models/${encodeURIComponent(model)}`;
          const answer = await (await call(path, JSON.stringify(body))).json();
          out.replaceChildren(
            answer.picture
              ? element("img", "", { src: `data:image/png;base64,${answer.picture}`, alt: "Result" })
              : element("p", answer.style.map((v) => v.toPrecision(4)).join(", ")),
          );
        } catch { /* shown by call */ } finally {
          button.disabled = false;
        }
      });
      box.append(form, out);
      root.append(box);
    }
  }
}
