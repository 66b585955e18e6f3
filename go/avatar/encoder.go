package avatar

import "framegen/ort"

// audioProgram turns 16 kHz samples into features.
type audioProgram struct {
	session *ort.Session
	spec    AudioSpec
}

// features gives, of the windows that audio of just these samples has, count ones from first on: (m, F).
func (a *audioProgram) features(samples []float32, first, count int) ([]float32, error) {
	outputs, err := a.session.Run(map[string]ort.Tensor{
		"samples": ort.NewTensor(samples, int64(len(samples))),
		"first":   ort.NewTensor([]int64{int64(first)}),
		"count":   ort.NewTensor([]int64{int64(count)}),
	}, "features")
	if err != nil {
		return nil, fail(BadModel, "", "the audio program does not run (%s); pack the avatar again", shown(err.Error()))
	}
	defer outputs[0].Release()
	return append([]float32(nil), outputs[0].Float32s()...), nil
}
