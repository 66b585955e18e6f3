package avatar

import (
	"math"
	"slices"

	"framegen/ort"
)

// audioProgram turns 16 kHz samples into features.
type audioProgram struct {
	session *ort.Session
	spec    AudioSpec
}

// features gives, of the windows that audio of just these samples has, count ones from first on: (m, F), all finite.
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
	values := append([]float32(nil), outputs[0].Float32s()...)
	shape := []int64{int64(max(0, min(count, a.spec.blocks.total(len(samples))-first))), int64(a.spec.FeatureSize)}
	if outputs[0].Type != ort.Float32 || !slices.Equal(outputs[0].Shape, shape) {
		return nil, fail(BadModel, "", "the audio program gives features of shape %v, expected %v; pack the avatar again", outputs[0].Shape, shape)
	}
	for _, value := range values {
		if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
			return nil, fail(BadModel, "", "the audio program gives features that are not finite numbers; pack the avatar again")
		}
	}
	return values, nil
}
