package avatar

// blocks is where audio is cut for an audio program, as docs/avatar.md has it for each type of feature.
type blocks struct {
	features    int           // in a block
	step        int           // samples from block to block
	before      int           // blocks before it that are heard
	samples     int           // from a block's start to the end of what its last feature hears
	total       func(int) int // features of audio of so many samples, without repeated ones
	repeatsEnds bool          // the first and the last feature come twice
}

const shortestAve = 3000 // samples; audio below is filled up with zeros

var (
	aveBlocks = blocks{5, 3200, 1, 5800, func(samples int) int {
		columns := max(samples, shortestAve)/200 + 1
		// In double precision, whose rounding counts; Go may not fuse what is converted.
		return int(float64(float64(columns-16)/80)*25) + 2
	}, true}
	whisperBlocks   = blocks{10, 6400, 2, 9640, featureEach640, false}
	streamingBlocks = blocks{1, 640, 30, 1280, featureEach640, false}
)

func featureEach640(samples int) int { return (samples + 639) / 640 }
