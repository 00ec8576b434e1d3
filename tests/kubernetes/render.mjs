// Writes the Kubernetes objects of deploy/kubernetes/render.jsonnet as YAML that people can read.
//
//   jsonnet deploy/kubernetes/render.jsonnet | node tests/kubernetes/render.mjs FOLDER
//
// jsonnet could write YAML too, but it takes minutes for the boards, quotes each text and sorts all keys.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Document, visit } from "yaml";

const folder = process.argv[2];
const note = " Rendered from main.libsonnet, where you can change more. A test compares them.";
// The keys that come first. The others follow in the order of the alphabet.
const first = ["apiVersion", "kind", "name", "metadata", "alert", "record", "image", "expr", "for", "keep_firing_for", "labels", "annotations"];

function place(pair) {
    const index = first.indexOf(pair.key.value);
    return index < 0 ? first.length : index;
}

function byPlace(one, other) {
    return place(one) - place(other) || (one.key.value < other.key.value ? -1 : 1);
}

function written(comment, object) {
    // Kubernetes reads YAML 1.1, in which `yes` is a boolean and 0440 is octal.
    const document = new Document(object, { version: "1.1", sortMapEntries: byPlace });
    visit(document, {
        Pair(_, pair) {
            if (pair.key.value === "defaultMode") {
                pair.value.format = "OCT";
            }
        },
    });
    const lines = comment.trim().split("\n").map((line) => `# ${line}\n`);
    return lines.join("") + document.toString({ lineWidth: 0, directives: false });
}

for (const [file, objects] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#${note}\n${objects.map(({ comment, object }) => written(comment, object)).join("---\n")}`);
}
