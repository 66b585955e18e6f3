package avatar

// What is the same for all generators.
const (
	SampleRate = 16_000 // Hz; every audio feature is computed at this rate
	Window     = 16     // features in the window that the generator sees
)

// AudioSpec is one type of audio feature.
type AudioSpec struct {
	Name        string
	FPS         int // features, and so video frames, a second
	FeatureSize int // values in one feature (F)
	shape       []int
	window      [3]int64 // how a plain export takes a window: channels, height, width
	before      int      // features of a window before its frame; the others are from the frame on
	blocks      *blocks  // where audio is cut for its program; nil where there is none for this type
}

// The types of audio features.
var (
	Ave       = AudioSpec{"ave", 25, 512, []int{512}, [3]int64{32, 16, 16}, 8, &aveBlocks}
	Hubert    = AudioSpec{"hubert", 25, 2048, []int{2, 1024}, [3]int64{32, 32, 32}, 8, nil}
	Wenet     = AudioSpec{"wenet", 20, 8192, []int{8192}, [3]int64{256, 16, 32}, 8, nil}
	Whisper   = AudioSpec{"whisper", 25, 256, []int{256}, [3]int64{16, 16, 16}, 8, &whisperBlocks}
	Streaming = AudioSpec{"streaming", 25, 240, []int{240}, [3]int64{16, 15, 16}, 12, &streamingBlocks}

	audioSpecs = []AudioSpec{Ave, Hubert, Wenet, Whisper, Streaming}
)

// ahead is how many frames later that of a window's last feature is.
func (s AudioSpec) ahead() int { return Window - s.before - 1 }

// How painted faces are written back.
const (
	Reference = "reference" // the original's hard paste
	Feathered = "feathered" // without an edge
)

var blends = []string{Reference, Feathered} // the render program takes their places
