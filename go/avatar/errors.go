package avatar

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Kind says what sort of thing an Error is about.
type Kind string

// The kinds of errors.
const (
	MissingFile Kind = "missing file"
	BadPackage  Kind = "package"
	BadAudio    Kind = "audio"
	BadFeatures Kind = "features"
	BadTemplate Kind = "template"
	BadModel    Kind = "model"
	BadOption   Kind = "option"
	BadOutput   Kind = "output"
	NoRuntime   Kind = "runtime"
)

// Stage is how far the reading of a package came before it was refused.
type Stage string

// The stages of reading a package, in their order.
const (
	StageStorage  Stage = "storage"  // the folder or archive, and that it has a manifest
	StageManifest Stage = "manifest" // the manifest's fields
	StageListing  Stage = "listing"  // the manifest's files against those that are there
	StageHash     Stage = "hash"     // a file's bytes
	StagePrograms Stage = "programs"
	StageImages   Stage = "images"
	StageRest     Stage = "rest"
)

// Error is what went wrong with a file or an option, in one line that says what was expected and what to do.
type Error struct {
	Kind   Kind
	Path   string // the file that it is about; may be empty
	Stage  Stage  // of packages alone
	Reason string // what is wrong and what to do
	Cause  error  // may be nil
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// Unwrap gives the error underneath.
func (e *Error) Unwrap() error { return e.Cause }

func fail(kind Kind, path, format string, arguments ...any) *Error {
	failure := &Error{Kind: kind, Path: path, Reason: fmt.Sprintf(format, arguments...)}
	for _, argument := range arguments {
		if cause, ok := argument.(error); ok {
			failure.Cause = cause
		}
	}
	return failure
}

// refusal is what is wrong inside of a package; refused adds the package's path.
type refusal struct {
	stage  Stage
	reason string
}

func (r *refusal) Error() string { return r.reason }

func refuse(stage Stage, format string, arguments ...any) error {
	return &refusal{stage, fmt.Sprintf(format, arguments...)}
}

// refused turns a refusal into the error that names the package, and leaves every other error as it is.
func refused(path string, err error) error {
	if r, ok := err.(*refusal); ok {
		reason := r.reason + "; pack or download the avatar again"
		return &Error{Kind: BadPackage, Path: path, Stage: r.stage, Reason: reason}
	}
	return err
}

const longestShown = 200 // characters of something from a file that a message shows

// shown is something from a file, quoted for a message: one line, no control characters, not too long.
func shown(value any) string {
	text, ok := value.(string)
	if !ok {
		text = fmt.Sprint(value)
	}
	text = strconv.QuoteToASCII(text)
	if utf8.RuneCountInString(text) > longestShown {
		text = text[:longestShown] + "..."
	}
	if !ok {
		text = text[1 : len(text)-1]
	}
	return text
}
