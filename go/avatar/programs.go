package avatar

import (
	"slices"
	"sort"
)

const mostState = 1 << 28 // bytes of a face state

const (
	elementFloat32 = 1
	elementUint8   = 2
	elementInt64   = 7
)

// program is one of a package's: its bytes, and what it takes and gives.
type program struct {
	data []byte
	signature
}

// readProgram gives the program of a role, which holds nothing that none may hold.
func readProgram(p *Package, role string) (program, error) {
	data, err := p.Read(programPath(role))
	if err != nil {
		return program{}, err
	}
	found, err := readSignature(data)
	if r, ok := err.(*refusal); ok {
		err = refused(p.Path, refuse(StagePrograms, "%s %s", programPath(role), r.reason))
	}
	return program{data, found}, err
}

// checkPrograms refuses programs, given by role, that take or give other values than expected. It gives the values of the
// face state by name.
func checkPrograms(m *Manifest, programs map[string]program) (map[string]value, error) {
	state := programs["face"].outputs
	total := int64(0)
	for _, one := range state {
		if slices.Contains(one.shape, free) || slices.Contains(one.shape, 0) {
			return nil, refuse(StagePrograms, "%s gives a face state whose shapes are not fixed", programPath("face"))
		}
		total += one.bytes()
	}
	if len(state) == 0 {
		return nil, refuse(StagePrograms, "%s gives a face state whose shapes are not fixed", programPath("face"))
	}
	if total > mostState {
		return nil, refuse(StagePrograms, "%s gives a face state of more than %d bytes", programPath("face"), mostState)
	}
	for _, role := range m.Programs {
		expected, err := expectedSignature(role, m, state)
		if err != nil {
			return nil, err
		}
		for _, pair := range [][2]map[string]value{
			{programs[role].inputs, expected.inputs}, {programs[role].outputs, expected.outputs},
		} {
			if name, found, wanted := difference(pair[0], pair[1]); found != wanted {
				return nil, refuse(StagePrograms, "%s has %s as %s; expected %s", programPath(role), shown(name), found, wanted)
			}
		}
	}
	return state, nil
}

func expectedSignature(role string, m *Manifest, state map[string]value) (signature, error) {
	image := value{elementUint8, []int64{free, free, 3}}
	size := int64(m.Audio.FeatureSize)
	switch role {
	case "face":
		return signature{map[string]value{"crop": image}, state}, nil
	case "audio":
		scalar := value{elementInt64, []int64{}}
		samples := map[string]value{"samples": {elementFloat32, []int64{free}}, "first": scalar, "count": scalar}
		return signature{samples, map[string]value{"features": {elementFloat32, []int64{free, size}}}}, nil
	}
	inputs := map[string]value{"window": {elementFloat32, []int64{Window, size}}, "crop": image}
	if m.Version >= blendsSince {
		inputs["blend"] = value{elementUint8, []int64{}}
	}
	if m.Parsing {
		inputs["keep"] = value{elementUint8, []int64{free, free}}
	}
	for name, one := range state {
		if _, taken := inputs[name]; taken {
			return signature{}, refuse(StagePrograms, "%s gives a face state with the names of other inputs", programPath("face"))
		}
		inputs[name] = one
	}
	return signature{inputs, map[string]value{"patch": image}}, nil
}

// difference is the first value that differs, described; equal texts where none does.
func difference(found, expected map[string]value) (name, one, other string) {
	names := make([]string, 0, len(found)+len(expected))
	for name := range found {
		names = append(names, name)
	}
	for name := range expected {
		names = append(names, name)
	}
	sort.Strings(names)
	describe := func(values map[string]value, name string) string {
		if v, there := values[name]; there {
			return v.described()
		}
		return "nothing"
	}
	for _, name := range names {
		a, inA := found[name]
		b, inB := expected[name]
		if inA != inB || !a.equal(b) {
			return name, describe(found, name), describe(expected, name)
		}
	}
	return "", "", ""
}
