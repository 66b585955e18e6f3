"""The programs of the drawn layers, in GLSL. Points are in metres, light is linear, `view` is `canvas.projection`."""

from collections.abc import Iterable

HEADER = "#version 330\n"
VIEW = HEADER + "uniform mat4 view;\n"

IMAGE_VERTEX = (
    VIEW
    + """
in vec3 at; in vec2 uv; out vec2 t;
void main() { gl_Position = view * vec4(at, 1.0); t = uv; }
"""
)
IMAGE = (  # premultiplied colour as it is in the image
    HEADER
    + """
in vec2 t; uniform sampler2D image; out vec4 colour;
void main() { colour = texture(image, t); if (colour.a < 0.004) discard; }
"""
)

# t: place in the head's textures; s: place in the image at rest, for the neck, which is not in the head's textures;
# cavity: 1 inside the mouth; side: 1 on the person's left; share: weights of open, pucker, stretch, and how far the
# mouth is open; lids: of the blink, left and right.
SKIN_VERTEX = (
    VIEW
    + """
in vec3 at; in vec2 uv; in float inner; in float left; in vec2 seen_at;
out vec2 t; out vec2 s; out float cavity; out float side; out vec3 place;
void main() {
    gl_Position = view * vec4(at, 1.0);
    t = uv; s = seen_at; cavity = inner; side = left; place = at;
}
"""
)
_SKIN = """
in vec2 t; in vec2 s; in float cavity; in float side; in vec3 place;
uniform sampler2D rest; uniform sampler2D blink; uniform sampler2D open; uniform sampler2D pucker;
uniform sampler2D stretch; uniform sampler2D image;
uniform vec4 share; uniform vec2 lids; uniform float mouth_front; out vec4 colour;
void main() {
    vec3 log_ratio = vec3(0.0);
#ifdef BLINK
    log_ratio += texture(blink, t).rgb * mix(lids.y, lids.x, smoothstep(0.45, 0.55, side));
#endif
#ifdef OPEN
    log_ratio += texture(open, t).rgb * share.x;
#endif
#ifdef PUCKER
    log_ratio += texture(pucker, t).rgb * share.y;
#endif
#ifdef STRETCH
    log_ratio += texture(stretch, t).rgb * share.z;
#endif
    vec3 skin = texture(rest, t).rgb * exp(clamp(log_ratio, -2.5, 2.5));
#ifdef IMAGE
    bool head = all(greaterThan(t, vec2(0.0))) && all(lessThan(t, vec2(1.0)));
    if (!head && cavity < 0.3) skin = texture(image, s).rgb;
#endif
    float deep = clamp((place.y - mouth_front) / 0.030, 0.0, 1.0);
    vec3 flesh = vec3(0.10, 0.022, 0.018) * (1.0 - 0.93 * sqrt(deep)) * (0.35 + 0.65 * share.w);
    colour = vec4(mix(skin, flesh, smoothstep(0.3, 0.7, cavity)), 1.0);
}
"""


def skin(textures: Iterable[str]) -> str:
    """The skin's colour from these textures of `rest`, key expressions and `image`: each costs time in every pixel."""
    return HEADER + "".join(f"#define {name.upper()}\n" for name in textures) + _SKIN


# local: place on the ball in radii; light_at: where in the image at rest the light on this place of the head is.
EYE_VERTEX = (
    VIEW
    + """
in vec3 at; in vec3 normal; in vec3 local; in vec2 light_at; out vec3 n; out vec3 place; out vec3 l; out vec2 t;
void main() { gl_Position = view * vec4(at, 1.0); n = normal; place = at; l = local; t = light_at; }
"""
)
EYE = (
    HEADER
    + """
in vec3 n; in vec3 place; in vec3 l; in vec2 t;
uniform sampler2D albedo; uniform sampler2D light; uniform vec3 camera; uniform float iris;
uniform vec3 lamp_place[2]; uniform vec3 lamp_across[2]; uniform vec3 lamp_up[2]; uniform vec3 lamp_light[2];
out vec4 colour;
void main() {
    vec3 v = normalize(camera - place), m = normalize(n);
    float r = length(l.xz);
    vec2 p = l.xz;
    if (r < iris) {  // the cornea refracts: the iris lies behind the surface
        float depth = 0.16 * (1.0 - (r / iris) * (r / iris));
        p -= (v.xz - m.xz * dot(v, m)) * depth * 0.55;
    }
    vec3 lit = texture(light, t).rgb;
    float level = dot(lit, vec3(0.33));
    vec3 c = texture(albedo, vec2(p.x, -p.y) * 0.5 + 0.5).rgb * mix(lit, vec3(level), 0.25);
    if (r < iris)  // light gathers in the iris opposite the lamp
        c *= 1.0 + 0.55 * smoothstep(-0.1, 0.8, dot(normalize(p + 1e-4), vec2(0.55, -0.8)) * r / iris);
    vec3 mirrored = reflect(-v, m);
    float fresnel = 0.025 + 0.975 * pow(1.0 - max(dot(v, m), 0.0), 5.0);
    for (int k = 0; k < 2; k++) {  // the soft boxes as the eye mirrors them
        vec3 axis = normalize(cross(lamp_across[k], lamp_up[k]));
        float d = dot(mirrored, axis);
        float s = dot(lamp_place[k] - place, axis) / (abs(d) < 1e-4 ? 1e-4 : d);
        vec3 hit = place + mirrored * s - lamp_place[k];
        vec2 q = vec2(dot(hit, lamp_across[k]) / dot(lamp_across[k], lamp_across[k]),
                      dot(hit, lamp_up[k]) / dot(lamp_up[k], lamp_up[k]));
        float inside = step(0.0, s) * smoothstep(1.1, 0.9, abs(q.x)) * smoothstep(1.1, 0.9, abs(q.y));
        c += lamp_light[k] * inside * min(fresnel, 0.08) * clamp(level * 2.2, 0.0, 1.0);
    }
    c += vec3(0.55, 0.6, 0.68) * fresnel * 0.25 * level;
    colour = vec4(c, 1.0);
}
"""
)

# kind: 0 the middle of a tooth to 0.4 its side, 1 gum, 2 tongue; edges: z of the upper and the lower lip in 25 columns
# from across.x to across.y, in the head's own coordinates, to which to_head leads back.
MOUTH_VERTEX = (
    VIEW
    + """
in vec3 at; in vec3 normal; in float kind; out vec3 n; out vec3 place; out float k;
void main() { gl_Position = view * vec4(at, 1.0); n = normal; place = at; k = kind; }
"""
)
MOUTH = (
    HEADER
    + """
in vec3 n; in vec3 place; in float k; uniform vec3 camera; uniform vec3 key; uniform mat4 to_head;
uniform vec2 across; uniform vec2 edges[25]; uniform float front; out vec4 colour;
void main() {
    vec3 h = (to_head * vec4(place, 1.0)).xyz, m = normalize(n), v = normalize(camera - place), l = normalize(key);
    float s = clamp((h.x - across.x) / (across.y - across.x) * 24.0, 0.0, 23.999);
    int i = int(s);
    vec2 lip = mix(edges[i], edges[i + 1], s - float(i));
    float gap = max(lip.x - lip.y, 0.0), above = lip.x - h.z, below = h.z - lip.y, deep = max(h.y - front, 0.0);
    float shade = 1.0 - exp(-gap / 0.0013);
    shade *= (0.58 + 0.42 * smoothstep(-0.001, 0.0035, above)) * (0.66 + 0.34 * smoothstep(-0.001, 0.004, below));
    shade *= 1.0 / (1.0 + pow(deep / 0.024, 2.0));
    vec3 tooth = mix(vec3(1.0, 0.91, 0.80), vec3(0.74, 0.63, 0.52), smoothstep(0.004, 0.024, deep));
    tooth *= 1.0 - 0.50 * smoothstep(0.34, 0.40, k);  // little light gets between two teeth
    vec3 base = k < 0.5 ? tooth : (k < 1.5 ? vec3(0.34, 0.105, 0.09) : vec3(0.36, 0.115, 0.10));
    float lambert = 0.42 + 0.66 * max(dot(m, l), 0.0);
    float gloss = pow(max(dot(m, normalize(l + v)), 0.0), k < 0.5 ? 45.0 : 30.0) * (k < 0.5 ? 0.42 : 0.16);
    colour = vec4((base * lambert * 0.95 + gloss) * shade, 1.0);
}
"""
)

STRAND_VERTEX = (
    VIEW
    + """
in vec3 at; in float cover; out float a;
void main() { gl_Position = view * vec4(at, 1.0); a = cover; }
"""
)
STRAND = (
    HEADER
    + """
in float a; out vec4 colour;
void main() { colour = vec4(vec3(0.012, 0.008, 0.006) * a, a); }
"""
)

# To unfold an image onto the texture: points lie where their texture coordinate is, colours come from where the camera
# of the image saw the point, weighted by how well it did.
UNFOLD_VERTEX = (
    VIEW
    + """
in vec3 at; in vec3 normal; in vec2 uv; uniform vec3 camera; out vec4 clip; out float facing;
void main() {
    clip = view * vec4(at, 1.0); facing = dot(normalize(normal), normalize(camera - at));
    gl_Position = vec4(uv * 2.0 - 1.0, 0.0, 1.0);
}
"""
)
UNFOLD = (
    HEADER
    + """
in vec4 clip; in float facing; uniform sampler2D image; uniform sampler2D depth;
uniform vec2 range; uniform float tolerance; out vec4 colour;
float metres(float d) {
    return 2.0 * range.x * range.y / (range.y + range.x - (d * 2.0 - 1.0) * (range.y - range.x));
}
void main() {
    vec2 p = clip.xy / clip.w * 0.5 + 0.5;
    float behind = metres(clip.z / clip.w * 0.5 + 0.5) - metres(texture(depth, p).r);
    vec4 c = textureLod(image, vec2(p.x, 1.0 - p.y), 0.0);
    float inside = step(0.0, p.x) * step(p.x, 1.0) * step(0.0, p.y) * step(p.y, 1.0);
    float weight = inside * step(behind, tolerance) * smoothstep(0.10, 0.45, facing) * step(0.98, c.a);
    colour = vec4(c.rgb / max(c.a, 0.01), weight);
}
"""
)
SOLID_VERTEX = VIEW + "in vec3 at; void main() { gl_Position = view * vec4(at, 1.0); }"
SOLID = HEADER + "uniform float value; out vec4 colour; void main() { colour = vec4(value); }"
