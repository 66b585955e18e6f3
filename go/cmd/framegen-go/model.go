package main

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"

	"framegen/go/avatar"
)

// modelling are the options of people of SyncTalk_2D's Go port: a generator as one ONNX file, and a template's folder.
type modelling struct {
	model, template, mode, videoPath, audioFile string
	start                                       int
	video                                       bool
}

var (
	ofModels   = []string{"model", "template", "mode", "start", "video", "video-path", "audio-file"}
	ofPackages = []string{"avatar", "features", "f", "o", "frames-dir", "start-frame", "no-gate", "cache-size"}
)

func (m *modelling) declare(flags *flag.FlagSet) {
	flags.StringVar(&m.model, "model", "", "a generator as ONNX, in place of an avatar; with it --audio is a feature file,"+
		" and --output a folder for frames as JPEG (default output/frames)")
	flags.StringVar(&m.template, "template", "", "with --model: the folder with full_body_img/ and landmarks/")
	flags.StringVar(&m.mode, "mode", "", "with --model: ave, hubert, wenet, whisper or streaming (default: as the model's inputs say)")
	flags.IntVar(&m.start, "start", 0, "with --model: enter the recording so many frames later")
	flags.BoolVar(&m.video, "video", false, "with --model: also write a video")
	flags.StringVar(&m.videoPath, "video-path", "output/result.mp4", "with --video: the video to write")
	flags.StringVar(&m.audioFile, "audio-file", "", "with --video: its audio")
}

// chosen says whether options of models are given. Those of packages beside them are an error, and so are missing ones.
func (m *modelling) chosen(flags *flag.FlagSet, audio string) (bool, error) {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	of := func(names []string) []string {
		var found []string
		for _, name := range names {
			if given[name] {
				found = append(found, strings.Repeat("-", min(len(name), 2))+name)
			}
		}
		return found
	}
	models, packages := of(ofModels), of(ofPackages)
	switch {
	case len(models) == 0:
		return false, nil
	case len(packages) > 0:
		return true, fmt.Errorf("%s and %s do not go together: give a --model with its --template, or an --avatar",
			strings.Join(models, ", "), strings.Join(packages, ", "))
	case m.model == "" || m.template == "" || audio == "":
		return true, errors.New("a model needs --model unet_328.onnx, --audio features.bin and --template dataset/May")
	case m.video && m.audioFile == "":
		return true, errors.New("--video needs --audio-file, the video's audio")
	case !m.video && (given["video-path"] || m.audioFile != ""):
		return true, errors.New("--video-path and --audio-file are for videos; add --video, or leave them out")
	}
	return true, nil
}

// outputs are what is written, as these options have it.
func (m *modelling) outputs(o *avatar.Output) {
	o.FramesDir, o.Video = o.Video, ""
	if o.FramesDir == "" {
		o.FramesDir = "output/frames"
	}
	if o.FrameFormat == "" {
		o.FrameFormat = "jpg"
	}
	if m.video {
		o.Video = m.videoPath
	}
}

// open opens the model with its template, and gives what closes both.
func (m *modelling) open(options []avatar.Option) (*avatar.Avatar, func(), error) {
	model, err := avatar.OpenModel(m.model, m.mode, options...)
	if err != nil {
		return nil, nil, err
	}
	person, err := model.Avatar(filepath.Join(m.template, "full_body_img"), filepath.Join(m.template, "landmarks"))
	if err != nil {
		model.Close()
		return nil, nil, err
	}
	return person, func() {
		person.Close()
		model.Close()
	}, nil
}
