package avatar

import (
	"bytes"
	"encoding/json/jsontext"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	mostManifest = 64_000_000 // bytes of avatar.json
	mostValues   = 1_200_000  // in it, told from these bytes: [ { ,
	mostFile     = 1 << 30    // bytes of one file
	mostTotal    = 1 << 36    // bytes of all files
	mostFrames   = 100_000
	mostPixels   = 8192 // of an image's side
	mostText     = 100_000
	mostCredits  = 1000
	mostWidth    = 1024 // channels at a generator's first level
	mostDepth    = 1000 // of values in each other
)

// number is a number as it is written, so that 25 and 25.0 differ.
type number string

type object = map[string]any

// readManifest gives the manifest in the bytes of an avatar.json, or a refusal that names the field.
func readManifest(data []byte) (*Manifest, error) {
	values := 0
	for _, mark := range []byte("[{,") {
		values += bytes.Count(data, []byte{mark})
	}
	if values > mostValues {
		return nil, refuse(StageManifest, "%s has more than %d values", manifestFile, mostValues)
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(data)) // it refuses fields that come twice and text that is not UTF-8
	value, err := readValue(decoder, 0)
	if err == nil {
		if _, end := decoder.ReadToken(); end != io.EOF {
			err = fmt.Errorf("something follows its end")
		}
	}
	if err != nil {
		return nil, refuse(StageManifest, "%s is no JSON that can be read (%s)", manifestFile, shown(err.Error()))
	}
	content, ok := value.(object)
	if !ok || content["format"] != format {
		return nil, refuse(StageManifest, "%s is not of the format %s", manifestFile, format)
	}
	version, err := strconv.Atoi(string(asNumber(content["version"])))
	if err != nil || version < 1 || version > newestVersion {
		return nil, refuse(StageManifest, "%s is of version %s, this program reads 1 to %d", manifestFile, shown(content["version"]), newestVersion)
	}
	r := &reader{}
	manifest := r.manifest(content, version)
	if r.err == nil {
		r.err = manifest.check()
	}
	return manifest, r.err
}

func asNumber(value any) number {
	found, _ := value.(number)
	return found
}

func readValue(decoder *jsontext.Decoder, depth int) (any, error) {
	if depth > mostDepth {
		return nil, fmt.Errorf("values in each other too deep")
	}
	token, err := decoder.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return token.Bool(), nil
	case '"':
		return token.String(), nil
	case '0':
		return number(token.String()), nil
	case '[':
		list := []any{}
		for decoder.PeekKind() != ']' {
			value, err := readValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := decoder.ReadToken()
		return list, err
	case '{':
		fields := object{}
		for decoder.PeekKind() != '}' {
			name, err := decoder.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String()
			if fields[key], err = readValue(decoder, depth+1); err != nil {
				return nil, err
			}
		}
		_, err := decoder.ReadToken()
		return fields, err
	}
	return nil, fmt.Errorf("an unexpected %v", token.Kind())
}

// reader keeps the first thing that is wrong; what it gives after that means nothing.
type reader struct{ err error }

func (r *reader) refuse(where, expected string, found any) {
	if r.err == nil {
		quoted := shown(where)
		r.err = refuse(StageManifest, "%s: %s is %s; expected %s", manifestFile, quoted[1:len(quoted)-1], shown(found), expected)
	}
}

func (r *reader) manifest(content object, version int) *Manifest {
	names := []string{"format", "version", "name", "licence", "credits", "fps", "generator", "frame", "boxes", "parsing", "programs", "precision", "files"}
	if version >= blendsSince {
		names = append(names, "blend", "rest")
	}
	r.fields(content, "the whole", names)
	m := &Manifest{Version: version, Blend: Reference}
	m.Name = r.text(content["name"], "name", "")
	m.Licence = r.text(content["licence"], "licence", "\n\t")
	for _, line := range r.list(content["credits"], "credits", mostCredits) {
		m.Credits = append(m.Credits, r.text(line, "credits", ""))
	}
	r.generator(m, content["generator"])
	frame := r.fields(content["frame"], "frame", []string{"width", "height", "count", "format"})
	m.Frame.Width = r.integer(frame["width"], "frame.width", 1, mostPixels)
	m.Frame.Height = r.integer(frame["height"], "frame.height", 1, mostPixels)
	m.Frame.Count = r.integer(frame["count"], "frame.count", 1, mostFrames)
	m.Frame.Format = r.choice(frame["format"], "frame.format", "jpg", "png")
	for _, value := range r.list(content["boxes"], "boxes", mostFrames) {
		box := r.list(value, "boxes", 3)
		if len(box) != 3 {
			r.refuse("boxes", "[x, y, size] for each frame", value)
			break
		}
		x, y := r.integer(box[0], "boxes", -mostPixels, mostPixels), r.integer(box[1], "boxes", -mostPixels, mostPixels)
		m.Boxes = append(m.Boxes, CropBox{x, y, r.integer(box[2], "boxes", 0, mostPixels)})
	}
	m.Parsing = r.boolean(content["parsing"], "parsing")
	programs := r.fields(content["programs"], "programs", []string{"face", "render"}, "audio")
	for _, role := range []string{"audio", "face", "render"} {
		if path, there := programs[role]; there {
			r.choice(path, "programs."+role, programPath(role))
			m.Programs = append(m.Programs, role)
		}
	}
	m.Precision = r.choice(content["precision"], "precision", "fp32", "fp16")
	m.Files = r.files(content["files"])
	if version >= blendsSince {
		m.Blend = r.choice(content["blend"], "blend", blends...)
		m.Rest = r.boolean(content["rest"], "rest")
	}
	r.integer(content["fps"], "fps", m.Audio.FPS, m.Audio.FPS)
	return m
}

func (r *reader) generator(m *Manifest, value any) {
	generator := r.fields(value, "generator", []string{"face", "audio", "width"})
	m.Face = r.choice(generator["face"], "generator.face", "328", "160", "mobile")
	audio := r.fields(generator["audio"], "generator.audio", []string{"name", "feature_size"})
	var names []string
	for _, spec := range audioSpecs {
		names = append(names, spec.Name)
	}
	name := r.choice(audio["name"], "generator.audio.name", names...)
	for _, spec := range audioSpecs {
		if spec.Name == name {
			m.Audio = spec
		}
	}
	r.integer(audio["feature_size"], "generator.audio.feature_size", m.Audio.FeatureSize, m.Audio.FeatureSize)
	m.Width = r.integer(generator["width"], "generator.width", 1, mostWidth)
}

func (r *reader) files(value any) map[string]FileEntry {
	listed, ok := value.(object)
	if !ok {
		r.refuse("files", "an object", value)
	}
	files := map[string]FileEntry{}
	for path, content := range listed {
		where := "files of " + path
		fields := r.fields(content, where, []string{"size", "sha256"})
		digest, _ := fields["sha256"].(string)
		if len(digest) != 64 || strings.Trim(digest, "0123456789abcdef") != "" {
			r.refuse(where, "64 hexadecimal digits", fields["sha256"])
		}
		files[path] = FileEntry{int64(r.integer(fields["size"], where, 1, mostFile)), digest}
	}
	return files
}

// check is what fields demand of each other.
func (m *Manifest) check() error {
	if len(m.Boxes) != m.Frame.Count {
		return refuse(StageManifest, "%s has %d boxes for %d frames", manifestFile, len(m.Boxes), m.Frame.Count)
	}
	if m.Version < streamingSince && m.Audio.Name == Streaming.Name {
		return refuse(StageManifest, "%s is of version %d, which has no streaming features", manifestFile, m.Version)
	}
	for i, box := range m.Boxes {
		problem := box.problem(m.Frame.Width, m.Frame.Height)
		if problem == "" && m.Version < outreachingSince && !box.inside(m.Frame.Width, m.Frame.Height) {
			problem = "it leaves the image"
		}
		if problem != "" {
			return refuse(StageManifest, "%s has an impossible box for frame %d: %s", manifestFile, i, problem)
		}
	}
	demanded := map[string]bool{}
	for path := range m.paths() {
		demanded[path] = true
		if _, listed := m.Files[path]; !listed {
			return refuse(StageManifest, "%s does not list %s", manifestFile, shown(path))
		}
	}
	total := int64(0)
	for path, entry := range m.Files {
		if !demanded[path] {
			return refuse(StageManifest, "%s lists %s, which no package has", manifestFile, shown(path))
		}
		total += entry.Size
	}
	if m.Files[landmarksFile].Size != int64(m.Frame.Count*landmarkBytes) {
		return refuse(StageManifest, "%s is not of %d bytes a frame", landmarksFile, landmarkBytes)
	}
	if rest := int64(Window * m.Audio.FeatureSize * 4); m.Rest && m.Files[restFile].Size != rest {
		return refuse(StageManifest, "%s is not of %d bytes", restFile, rest)
	}
	if total > mostTotal {
		return refuse(StageManifest, "%s lists files of more than %d bytes in all", manifestFile, int64(mostTotal))
	}
	return nil
}

func (r *reader) fields(value any, where string, required []string, optional ...string) object {
	found, ok := value.(object)
	count := 0
	for _, name := range required {
		_, there := found[name]
		ok = ok && there
		count++
	}
	for _, name := range optional {
		if _, there := found[name]; there {
			count++
		}
	}
	if !ok || len(found) != count {
		names := make([]string, 0, len(found))
		for name := range found {
			names = append(names, name)
		}
		sort.Strings(names)
		r.refuse(where, "an object with "+strings.Join(required, ", "), strings.Join(names, ", "))
		return object{}
	}
	return found
}

func (r *reader) list(value any, where string, most int) []any {
	list, ok := value.([]any)
	if !ok || len(list) > most {
		r.refuse(where, fmt.Sprintf("a list of at most %d", most), value)
		return nil
	}
	return list
}

func (r *reader) integer(value any, where string, low, high int) int {
	found, err := strconv.Atoi(string(asNumber(value)))
	if err != nil || found < low || found > high {
		r.refuse(where, fmt.Sprintf("a whole number from %d to %d", low, high), value)
		return low
	}
	return found
}

func (r *reader) choice(value any, where string, choices ...string) string {
	text, ok := value.(string)
	if !ok || !slices.Contains(choices, text) {
		r.refuse(where, strings.Join(choices, " or "), value)
	}
	return text
}

func (r *reader) boolean(value any, where string) bool {
	boolean, ok := value.(bool)
	if !ok {
		r.refuse(where, "true or false", value)
	}
	return boolean
}

func (r *reader) text(value any, where, allowed string) string {
	text, ok := value.(string)
	if !ok || utf8.RuneCountInString(text) > mostText || strings.ContainsFunc(text, func(c rune) bool {
		return !strings.ContainsRune(allowed, c) && isControl(c)
	}) {
		r.refuse(where, "text of moderate length without control characters", value)
	}
	return text
}

// isControl tells controls, surrogates, and separators of lines and paragraphs.
func isControl(c rune) bool {
	return unicode.In(c, unicode.Cc, unicode.Cs, unicode.Zl, unicode.Zp)
}
