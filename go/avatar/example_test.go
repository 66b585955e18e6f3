package avatar_test

import (
	"context"
	"fmt"
	"io"

	"framegen/go/avatar"
)

// The frames of a speech come one by one, as they are made.
func ExampleAvatar_Frames() {
	a, err := avatar.Open("../../conformance/avatars/ave-160")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Close()
	count := 0
	for frame, err := range a.Frames(context.Background(), avatar.Audio{Path: "../../conformance/audio/syllables.wav"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		count++
		frame.Release() // its pixels may be used for the next frames
	}
	fmt.Println(count, "frames at", a.FPS(), "a second")
	// Output: 68 frames at 25 a second
}

// Audio is pushed as it arrives, and frames are taken; between speeches the mouth rests.
func ExampleAvatar_Live() {
	a, err := avatar.Open("../../conformance/avatars/ave-160")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Close()
	ctx := context.Background()
	session, err := a.Live()
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := session.Idle(ctx); err != nil {
		fmt.Println(err)
	}
	if err := session.Push(ctx, make([]float32, 8000)); err != nil { // mono, 16 kHz
		fmt.Println(err)
	}
	if err := session.Finish(); err != nil {
		fmt.Println(err)
	}
	count := 0
	for {
		frame, err := session.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		count++
		frame.Release()
	}
	fmt.Println(count, "frames")
	// Output: 12 frames
}
