// Renders cartoon faces (DiceBear "toon-head") into one zip: PNG pictures and dataset.json.
//
//   node generate.mjs --count 20000 --size 64 --out toons64.zip [--first 0]
//
// Picture i is a function of the seed i, the size and the pinned package versions alone: the same
// command writes the same bytes, and a shorter set is the beginning of a longer one. The file is
// written beside its target and renamed at the end, so a zip under the asked name is whole.

import { createAvatar } from "@dicebear/core";
import * as toonHead from "@dicebear/toon-head";
import { Resvg } from "@resvg/resvg-js";
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { crc32, deflateSync } from "node:zlib";

const BACKGROUNDS = ["b6e3f4", "c0aede", "d1d4f9", "ffd5dc", "ffdfbf"];

// The drawing leaves wide margins: at 64 pixels the face needs the room more than the background does.
const FRAMING = { scale: 120, translateY: 0 };

// A picture is the area average of one this many times larger: edges stay clean without ringing.
const SUPERSAMPLING = 4;

// Parts that every face has alike, and numbers that a plain background does not show.
const NOT_ATTRIBUTES = new Set(["body", "head", "secondaryBackgroundColor", "backgroundType", "backgroundRotation"]);

const LICENCE = {
  design: "ToonHead by Johan Melin (https://www.johanmelin.com), licensed under CC BY 4.0; remixed",
  source: "https://www.figma.com/community/file/1589627891082866389",
  licence: "CC-BY-4.0",
  licence_url: "https://creativecommons.org/licenses/by/4.0/",
  changes: "Assembled at random by DiceBear, placed on plain backgrounds, enlarged, cropped and drawn at a small size.",
};

function face(seed) {
  // DiceBear's own generator gives neighbouring seeds nearly the same face, so they are hashed first.
  const text = createHash("sha256").update(`toons ${seed}`).digest("hex");
  const avatar = createAvatar(toonHead, { seed: text, backgroundColor: BACKGROUNDS, ...FRAMING });
  const attributes = {};
  for (const [name, value] of Object.entries(avatar.toJson().extra)) {
    if (!NOT_ATTRIBUTES.has(name)) {
      attributes[name === "primaryBackgroundColor" ? "backgroundColor" : name] = value ?? "none";
    }
  }
  return { svg: avatar.toString(), attributes };
}

// SVG text to RGB bytes, size * size * 3.
function draw(svg, size) {
  const options = { fitTo: { mode: "width", value: size * SUPERSAMPLING }, font: { loadSystemFonts: false } };
  const { pixels, width, height } = new Resvg(svg, options).render();
  if (width !== size * SUPERSAMPLING || height !== width) {
    throw new Error(`drew ${width} x ${height} pixels, wanted ${size * SUPERSAMPLING} squared`);
  }
  const rgb = Buffer.alloc(size * size * 3);
  const samples = SUPERSAMPLING * SUPERSAMPLING;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let dy = 0; dy < SUPERSAMPLING; dy++) {
          const row = (y * SUPERSAMPLING + dy) * width + x * SUPERSAMPLING;
          for (let dx = 0; dx < SUPERSAMPLING; dx++) sum += pixels[(row + dx) * 4 + channel];
        }
        rgb[(y * size + x) * 3 + channel] = Math.round(sum / samples);
      }
    }
  }
  return rgb;
}

function pngChunk(type, body) {
  const chunk = Buffer.alloc(body.length + 12);
  chunk.writeUInt32BE(body.length, 0);
  chunk.write(type, 4, "latin1");
  body.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + body.length)), 8 + body.length);
  return chunk;
}

function png(rgb, size) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB, no interlace
  const rows = Buffer.alloc(size * (size * 3 + 1)); // a zero before each row: no filter, best for flat colour
  for (let y = 0; y < size; y++) rgb.copy(rows, y * (size * 3 + 1) + 1, y * size * 3, (y + 1) * size * 3);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(rows, { level: 9 })),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

// A zip of stored members with one fixed date. Limits: 65,535 members, 4 GiB.
class ZipWriter {
  constructor(path) {
    this.file = openSync(path, "w");
    this.offset = 0;
    this.directory = [];
  }

  add(name, body) {
    const bytes = Buffer.from(name, "utf8");
    const shared = Buffer.alloc(26);
    // version 2.0, no flags, stored, 1980-01-01 00:00
    [20, 0, 0, 0, 0x21].forEach((value, i) => shared.writeUInt16LE(value, i * 2));
    shared.writeUInt32LE(crc32(body), 10);
    shared.writeUInt32LE(body.length, 14);
    shared.writeUInt32LE(body.length, 18);
    shared.writeUInt16LE(bytes.length, 22);

    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(20, 4);
    shared.copy(entry, 6);
    entry.writeUInt32LE(this.offset, 42);
    this.directory.push(entry, bytes);

    const signature = Buffer.from([0x50, 0x4b, 0x03, 0x04]);
    this.write(Buffer.concat([signature, shared, bytes, body]));
  }

  write(bytes) {
    let done = 0;
    while (done < bytes.length) done += writeSync(this.file, bytes, done);
    this.offset += bytes.length;
  }

  finish() {
    const start = this.offset;
    const directory = Buffer.concat(this.directory);
    const members = this.directory.length / 2;
    this.write(directory);
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(members, 8);
    end.writeUInt16LE(members, 10);
    end.writeUInt32LE(directory.length, 12);
    end.writeUInt32LE(start, 16);
    this.write(end);
    closeSync(this.file);
  }
}

function generate({ count, first, size, out }) {
  const versions = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")).dependencies;
  const unfinished = `${out}.partial-${process.pid}`;
  const zip = new ZipWriter(unfinished);
  const images = [];
  try {
    for (let seed = first; seed < first + count; seed++) {
      const { svg, attributes } = face(seed);
      const number = String(seed).padStart(8, "0");
      const file = `${number.slice(0, 5)}/img${number}.png`;
      zip.add(file, png(draw(svg, size), size));
      images.push({ file, seed, attributes });
      if (images.length % 1000 === 0) console.error(`${images.length} of ${count}`);
    }
    const description = { name: "toons", size, versions, ...LICENCE, labels: null, images };
    zip.add("dataset.json", Buffer.from(JSON.stringify(description)));
    zip.finish();
    renameSync(unfinished, out);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

function whole(text, name, least, most) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new RangeError(`--${name} wants a whole number from ${least} to ${most}, not '${text}'`);
  }
  return value;
}

function main() {
  const text = { type: "string" };
  const { values } = parseArgs({ options: { count: text, first: text, size: text, out: text } });
  if (!values.out) throw new RangeError("--out wants the name of the zip to write");
  generate({
    count: whole(values.count ?? "20000", "count", 1, 65000),
    first: whole(values.first ?? "0", "first", 0, 99_000_000),
    size: whole(values.size ?? "64", "size", 4, 1024),
    out: values.out,
  });
}

try {
  main();
} catch (error) {
  if (!(error instanceof RangeError) && !(error instanceof TypeError) && error.syscall === undefined) throw error;
  console.error(`generate: ${error.message}`);
  process.exitCode = 2;
}
