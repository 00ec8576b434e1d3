// Checks Kubernetes manifests against the published schemas of Kubernetes and of the Prometheus operator.
//
//   node check.mjs FILE…
//
// The schemas accept unknown keys, so they do not find a misspelt key. The published TypeScript types do not accept
// unknown keys. So the script also writes each document as a literal of its type, and the TypeScript compiler checks it.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { parseAllDocuments } from "yaml";

const generated = fileURLToPath(new URL("generated.ts", import.meta.url));
const complaints = [];
let count = 0;
let program = "";

// What the API server and its database accept for the content of one object.
const longest = 1048576;

function documents(data) {
    return data.kind === "List" ? data.items : [data];
}

for (const file of process.argv.slice(2)) {
    // Kubernetes reads YAML 1.1, in which 0440 is octal.
    for (const document of parseAllDocuments(readFileSync(file, "utf8"), { version: "1.1" })) {
        const place = `${file}, document at byte ${document.range[0]}`;
        if (document.errors.length > 0) {
            complaints.push(...document.errors.map((error) => `${place}: ${error.message}`));
            continue;
        }
        for (const data of documents(document.toJS())) {
            const home = data.apiVersion.startsWith("monitoring.coreos.com/") ? "@kubernetes-models/prometheus-operator" : "kubernetes-models";
            const module = `${home}/${data.apiVersion}/${data.kind}`;
            try {
                const { [data.kind]: Model } = await import(module);
                new Model(data).validate();
            } catch (error) {
                complaints.push(`${place}: ${error.message}`);
            }
            const size = Buffer.byteLength(JSON.stringify(data));
            if (size > longest) {
                complaints.push(`${place}: ${size} bytes are more than ${longest}`);
            }
            count += 1;
            program += `import type { I${data.kind} as T${count} } from "${module}"; export const d${count}: T${count} = ${JSON.stringify(data)};\n`;
        }
    }
}

const options = { strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16, types: [] };
const host = ts.createCompilerHost(options);
const { getSourceFile, fileExists, readFile } = host;
host.fileExists = (name) => name === generated || fileExists(name);
host.readFile = (name) => (name === generated ? program : readFile(name));
host.getSourceFile = (name, ...rest) => (name === generated ? ts.createSourceFile(name, program, options.target) : getSourceFile(name, ...rest));
for (const found of ts.getPreEmitDiagnostics(ts.createProgram([generated], options, host))) {
    complaints.push(ts.flattenDiagnosticMessageText(found.messageText, "\n"));
}

for (const complaint of complaints) {
    console.error(complaint);
}
console.log(`${count} documents`);
process.exit(complaints.length === 0 && count > 0 ? 0 : 1);
