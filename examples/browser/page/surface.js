// A cortex that turns, drawn by WebGL. Each pixel takes the parcel of the nearest corner of its triangle, so that borders are sharp.

import { palette } from './colours.js';

const VERTEX = `#version 300 es
uniform mat3 turn; uniform vec2 scale;
in vec3 position; in vec3 normal; in vec3 corner; in float depth; in vec3 first; in vec3 second; in vec3 third; in vec3 same;
out vec3 n; out vec3 where; out float sulcus; flat out vec3 a; flat out vec3 b; flat out vec3 c; flat out vec3 alike;
void main() {
  vec3 p = turn * position;
  n = turn * normal; where = corner; sulcus = depth; a = first; b = second; c = third; alike = same;
  gl_Position = vec4(p.xy * scale, -0.3 * p.z, 1.0);
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec3 n; in vec3 where; in float sulcus; flat in vec3 a; flat in vec3 b; flat in vec3 c; flat in vec3 alike;
out vec4 colour;
void main() {
  float most = max(where.x, max(where.y, where.z));
  vec3 base = where.x == most ? a : (where.y == most ? b : c);
  // The distance to the border with the next corner's parcel; corners of the same parcel have no border between them.
  vec3 without = where.x == most ? vec3(1.0, alike.z, alike.y) : (where.y == most ? vec3(alike.z, 1.0, alike.x) : vec3(alike.y, alike.x, 1.0));
  vec3 gaps = vec3(most) - where + 2.0 * without;
  float line = smoothstep(0.0, 0.14, min(gaps.x, min(gaps.y, gaps.z)));
  vec3 unit = normalize(n);
  float light = 0.68 + 0.36 * clamp(dot(unit, normalize(vec3(-0.35, 0.55, 0.8))), 0.0, 1.0);
  float rim = pow(1.0 - abs(unit.z), 3.0);
  float relief = 1.0 - 0.16 * smoothstep(-0.5, 0.6, sulcus);
  colour = vec4(base * mix(0.66, 1.0, line) * light * relief * (1.0 - 0.25 * rim), 1.0);
}`;

const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

export class Surface {
  /** `mesh` is { xyz, faces, depth, sphere }: coordinates in mm, x to the right, y to the front, z up; depth of the sulci. */
  constructor(canvas, mesh) {
    this.canvas = canvas;
    this.mesh = mesh;
    this.angle = { turn: 1.85, tilt: 0.12 };
    this.still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.gl = canvas.getContext('webgl2', { antialias: true, alpha: true, premultipliedAlpha: false });
    if (!this.gl) {
      canvas.setAttribute('aria-label', 'This browser has no WebGL 2: the cortex cannot be drawn. The parcels are learnt all the same.');
      return;
    }
    this.#prepare();
    this.#listen();
    this.show(undefined);
    const frame = () => {
      if (!this.still && !this.held && canvas.offsetParent) {
        this.angle.turn += 0.0035;
        this.draw();
      }
      requestAnimationFrame(frame);
    };
    frame();
  }

  #prepare() {
    const { gl, mesh } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.program = program;
    const corners = Array.from(mesh.faces);
    const { centre, size, tall } = bounds(mesh.xyz);
    // The height beside the longest extent, with room for the tilt.
    this.tall = Math.min(1, tall + 0.08);
    const normals = normalsOf(mesh);
    const at = (values, v, shift = [0, 0, 0], by = 1) => [0, 1, 2].map((k) => (values[3 * v + k] - shift[k]) / by);
    // The page's axes: x to the right, y up, z to the viewer; the brain's y is forward and z is up.
    const page = ([x, y, z]) => [x, z, -y];
    this.#attribute('position', corners.flatMap((v) => page(at(mesh.xyz, v, centre, size))));
    this.#attribute('normal', corners.flatMap((v) => page(at(normals, v))));
    this.#attribute('corner', corners.flatMap((_, i) => [0, 1, 2].map((k) => (i % 3 === k ? 1 : 0))));
    this.#attribute('depth', corners.map((v) => Math.max(-1, Math.min(1, mesh.depth[v]))), 1);
    this.colours = ['first', 'second', 'third', 'same'].map((name) => this.#attribute(name, new Uint8Array(3 * corners.length)));
    gl.enable(gl.DEPTH_TEST);
  }

  #attribute(name, values, size = 3) {
    const { gl } = this;
    const bytes = values instanceof Uint8Array;
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, bytes ? values : new Float32Array(values), bytes ? gl.DYNAMIC_DRAW : gl.STATIC_DRAW);
    const place = gl.getAttribLocation(this.program, name);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, bytes ? gl.UNSIGNED_BYTE : gl.FLOAT, bytes, 0, 0);
    return buffer;
  }

  /** Colours the parcels of `labels`, or nothing but the sulci. */
  show(labels) {
    this.labels = labels;
    if (!this.gl || this.gl.isContextLost()) return;
    const { gl, mesh } = this;
    const of = palette(labels, mesh);
    const corners = mesh.faces;
    const arrays = this.colours.map(() => new Uint8Array(3 * corners.length));
    for (let face = 0; face < corners.length; face += 3) {
      const three = [corners[face], corners[face + 1], corners[face + 2]];
      const label = (v) => (labels ? labels[v] : -1);
      const same = [label(three[1]) === label(three[2]), label(three[0]) === label(three[2]), label(three[0]) === label(three[1])];
      for (let corner = 0; corner < 3; corner++) {
        for (let k = 0; k < 3; k++) {
          const place = 3 * (face + corner) + k;
          for (let which = 0; which < 3; which++) arrays[which][place] = of[3 * three[which] + k];
          arrays[3][place] = same[k] ? 255 : 0;
        }
      }
    }
    arrays.forEach((values, i) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.colours[i]);
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    });
    this.draw();
  }

  draw() {
    const { gl, canvas, angle } = this;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
    if (!width || !height || gl.isContextLost()) return;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const [c, s, ct, st] = [Math.cos(angle.turn), Math.sin(angle.turn), Math.cos(angle.tilt), Math.sin(angle.tilt)];
    // Turned about the vertical, then tilted; column by column.
    gl.uniformMatrix3fv(gl.getUniformLocation(this.program, 'turn'), false, [c, st * s, -ct * s, 0, ct, st, s, -st * c, ct * c]);
    const fit = 0.93 * Math.min(width, height / this.tall);
    gl.uniform2f(gl.getUniformLocation(this.program, 'scale'), fit / width, fit / height);
    gl.drawArrays(gl.TRIANGLES, 0, this.mesh.faces.length);
  }

  turn(by, tilt) {
    this.angle.turn += by;
    this.angle.tilt = Math.max(-1.4, Math.min(1.4, this.angle.tilt + tilt));
    this.draw();
  }

  #listen() {
    const { canvas } = this;
    let last;
    canvas.onpointerdown = (event) => {
      this.held = true;
      last = event;
      canvas.setPointerCapture(event.pointerId);
    };
    canvas.onpointermove = (event) => {
      if (!last) return;
      this.turn((event.clientX - last.clientX) / 150, (event.clientY - last.clientY) / 150);
      last = event;
    };
    canvas.onpointerup = canvas.onpointercancel = () => {
      last = undefined;
      setTimeout(() => { this.held = Boolean(last); }, 4000);
    };
    canvas.onkeydown = (event) => {
      const by = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] }[event.key];
      if (!by) return;
      event.preventDefault();
      this.still = true;
      this.turn(...by);
    };
    addEventListener('resize', () => this.draw());
    // A GPU that is lost takes what is drawn with it.
    canvas.addEventListener('webglcontextlost', (event) => event.preventDefault());
    canvas.addEventListener('webglcontextrestored', () => {
      this.#prepare();
      this.show(this.labels);
    });
  }
}

function bounds(xyz) {
  const low = [Infinity, Infinity, Infinity];
  const high = low.map((x) => -x);
  xyz.forEach((x, i) => {
    low[i % 3] = Math.min(low[i % 3], x);
    high[i % 3] = Math.max(high[i % 3], x);
  });
  const extents = low.map((x, k) => high[k] - x);
  const longest = Math.max(...extents);
  return { centre: low.map((x, k) => (x + high[k]) / 2), size: longest / 2, tall: extents[2] / longest };
}

/** The outward normals of the vertices: the mean of those of their triangles, whose corners are in either order. */
function normalsOf({ xyz, faces, sphere }) {
  const sums = new Float32Array(xyz.length);
  const normal = (points, f) => {
    const [p, q, r] = [0, 1, 2].map((corner) => Array.from(points.subarray(3 * faces[f + corner], 3 * faces[f + corner] + 3)));
    return cross(q.map((x, k) => x - p[k]), r.map((x, k) => x - p[k]));
  };
  for (let f = 0; f < faces.length; f += 3) {
    // On the sphere, outward is away from the centre.
    const outward = Math.sign(normal(sphere, f).reduce((sum, x, k) => sum + x * sphere[3 * faces[f] + k], 0));
    const n = normal(xyz, f);
    for (let corner = 0; corner < 3; corner++) for (let k = 0; k < 3; k++) sums[3 * faces[f + corner] + k] += outward * n[k];
  }
  return sums;
}
