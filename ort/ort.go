// Package ort runs ONNX programs with ONNX Runtime, whose library it finds in the running process or opens when it is
// told to; nothing of it is needed to build. See include/ort.h for the rules.
package ort

/*
#cgo CFLAGS: -I${SRCDIR}/include -std=gnu11 -O2
#cgo linux LDFLAGS: -ldl -lpthread
#include <stdlib.h>
#include "ort.h"
#include "plain_programs.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// Type is an element's type, numbered as ONNX does.
type Type int32

// The types that a Session takes and gives.
const (
	Float32 Type = C.ORT_FLOAT32
	Uint8   Type = C.ORT_UINT8
	Int64   Type = C.ORT_INT64
)

// MaxRank is the most dimensions of a tensor.
const MaxRank = C.ORT_MAX_RANK

// Element is what a tensor may hold.
type Element interface{ ~float32 | ~uint8 | ~int64 }

// Tensor is an array in row-major order, for a Session to read. Its data must not change while the session runs.
type Tensor struct {
	Type  Type
	Shape []int64 // empty for a scalar
	data  unsafe.Pointer
	bytes int
	owner any // keeps the data's memory
}

// NewTensor is a tensor over data, which it does not copy.
func NewTensor[T Element](data []T, shape ...int64) Tensor {
	var element T
	kind := Float32
	switch any(element).(type) {
	case uint8:
		kind = Uint8
	case int64:
		kind = Int64
	}
	return Tensor{kind, shape, unsafe.Pointer(unsafe.SliceData(data)), len(data) * int(unsafe.Sizeof(element)), data}
}

// Output is a tensor that a session gave. Its memory is ONNX Runtime's: it goes with Release, or with the Output itself.
type Output struct {
	Tensor
	held *held
}

type held struct{ output C.ort_output }

// Float32s are the output's numbers, valid until Release; nil where it holds others.
func (o *Output) Float32s() []float32 {
	if o.Type != Float32 || o.data == nil {
		return nil
	}
	return unsafe.Slice((*float32)(o.data), o.bytes/4)
}

// Uint8s are the output's numbers, valid until Release; nil where it holds others.
func (o *Output) Uint8s() []uint8 {
	if o.Type != Uint8 || o.data == nil {
		return nil
	}
	return unsafe.Slice((*uint8)(o.data), o.bytes)
}

// Bytes is how much memory the output takes.
func (o *Output) Bytes() int { return o.bytes }

// Release gives the output's memory back; it may be called more than once.
func (o *Output) Release() {
	if o.held != nil {
		C.ort_release_output(&o.held.output)
		o.data, o.bytes = nil, 0
		o.held = nil
	}
}

// Port is what a program states of one of its inputs or outputs; a dimension that it leaves open is -1.
type Port struct {
	Name  string
	Type  Type
	Shape []int64
}

// Open finds ONNX Runtime's library, once for the process. With an empty path it is looked for in the process, at
// $ONNXRUNTIME_SHARED_LIBRARY_PATH, beside the executable and where the system looks. Its telemetry is turned off.
func Open(path string) error {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	return failure(C.ort_open(name))
}

// Version is that of the library that Open found, or empty before.
func Version() string { return C.GoString(C.ort_version()) }

// PlainProgram is one of the programs around plain exports, such as input_328, or nil where there is none of that name; see
// include/plain_programs.h. It must not be changed.
func PlainProgram(name string) []byte {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	var size C.size_t
	return unsafe.Slice((*byte)(C.plain_program(text, &size)), int(size))
}

// Session is an opened program. Any number of goroutines may run it at once.
type Session struct {
	Inputs, Outputs []Port
	session         *C.ort_session
}

// NewSession opens a program from its bytes. threads: inside one operator, 0 for as many as there are cores.
func NewSession(program []byte, threads int) (*Session, error) {
	var session *C.ort_session
	start := unsafe.Pointer(unsafe.SliceData(program))
	if err := failure(C.ort_session_create(start, C.size_t(len(program)), C.int32_t(threads), &session)); err != nil {
		return nil, err
	}
	opened := &Session{session: session}
	for i := range C.ort_session_input_count(session) {
		opened.Inputs = append(opened.Inputs, port(C.ort_session_input(session, i)))
	}
	for i := range C.ort_session_output_count(session) {
		opened.Outputs = append(opened.Outputs, port(C.ort_session_output(session, i)))
	}
	return opened, nil
}

// Close frees the session, which nobody may be running any more; it may be called more than once.
func (s *Session) Close() {
	C.ort_session_release(s.session)
	s.session = nil
}

// Run gives the outputs of these names, in their order.
func (s *Session) Run(inputs map[string]Tensor, outputs ...string) ([]*Output, error) {
	if s.session == nil {
		return nil, errors.New("the session is closed")
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	var names []unsafe.Pointer
	defer func() {
		for _, name := range names {
			C.free(name)
		}
	}()
	name := func(text string) *C.char {
		copied := C.CString(text)
		names = append(names, unsafe.Pointer(copied))
		return copied
	}

	given := make([]C.ort_input, 0, len(inputs))
	for key, tensor := range inputs {
		if len(tensor.Shape) > MaxRank {
			return nil, fmt.Errorf("input %s has %d dimensions; at most %d are taken", key, len(tensor.Shape), MaxRank)
		}
		input := C.ort_input{name: name(key), _type: C.int32_t(tensor.Type), rank: C.int32_t(len(tensor.Shape))}
		for i, length := range tensor.Shape {
			input.shape[i] = C.int64_t(length)
		}
		if tensor.data != nil {
			pinner.Pin(tensor.data)
		}
		input.data, input.bytes = tensor.data, C.size_t(tensor.bytes)
		given = append(given, input)
	}
	wanted := make([]*C.char, len(outputs))
	for i, output := range outputs {
		wanted[i] = name(output)
	}
	values := make([]C.ort_output, len(outputs))
	err := failure(C.ort_run(s.session, unsafe.SliceData(given), C.size_t(len(given)), unsafe.SliceData(wanted),
		C.size_t(len(wanted)), unsafe.SliceData(values)))
	runtime.KeepAlive(inputs)
	if err != nil {
		return nil, err
	}
	results := make([]*Output, len(values))
	for i := range values {
		results[i] = newOutput(values[i])
	}
	return results, nil
}

func newOutput(value C.ort_output) *Output {
	shape := make([]int64, value.rank)
	for i := range shape {
		shape[i] = int64(value.shape[i])
	}
	kept := &held{value}
	runtime.SetFinalizer(kept, func(h *held) { C.ort_release_output(&h.output) })
	return &Output{Tensor{Type(value._type), shape, value.data, int(value.bytes), kept}, kept}
}

func port(stated *C.ort_port) Port {
	shape := make([]int64, stated.rank)
	for i := range shape {
		shape[i] = int64(stated.shape[i])
	}
	return Port{C.GoString(stated.name), Type(stated._type), shape}
}

func failure(message *C.char) error {
	if message == nil {
		return nil
	}
	defer C.ort_free(message)
	return errors.New(C.GoString(message))
}
