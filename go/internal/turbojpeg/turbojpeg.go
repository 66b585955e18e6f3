// Package turbojpeg decodes and encodes JPEG with libjpeg-turbo, whose pixels are those of OpenCV: the slow integer
// transform and triangle upsampling of halved colour.
package turbojpeg

/*
#cgo LDFLAGS: -lturbojpeg
#include <stdlib.h>
#include <turbojpeg.h>
*/
import "C"

import (
	"errors"
	"unsafe"
)

// Decode decodes a JPEG of width x height pixels into image, BGR, row by row. Damaged data are an error, even where
// libjpeg-turbo would show a part of the image.
func Decode(data, image []byte, width, height int) error {
	if len(data) == 0 || len(image) != 3*width*height {
		return errors.New("no data, or room of another size than the image")
	}
	handle := C.tjInitDecompress()
	if handle == nil {
		return errors.New("out of memory")
	}
	defer C.tjDestroy(handle)
	var w, h, sampling, space C.int
	start := (*C.uchar)(unsafe.Pointer(unsafe.SliceData(data)))
	if C.tjDecompressHeader3(handle, start, C.ulong(len(data)), &w, &h, &sampling, &space) != 0 {
		return failure(handle)
	}
	if int(w) != width || int(h) != height {
		return errors.New("the image has another size than expected")
	}
	pixels := (*C.uchar)(unsafe.Pointer(unsafe.SliceData(image)))
	if C.tjDecompress2(handle, start, C.ulong(len(data)), pixels, w, 0, h, C.TJPF_BGR, 0) != 0 {
		return failure(handle)
	}
	return nil
}

// Encode encodes an image, BGR, with quality 1 to 100 and halved colour.
func Encode(image []byte, width, height, quality int) ([]byte, error) {
	if width < 1 || height < 1 || len(image) != 3*width*height {
		return nil, errors.New("an image of another size than stated")
	}
	handle := C.tjInitCompress()
	if handle == nil {
		return nil, errors.New("out of memory")
	}
	defer C.tjDestroy(handle)
	var buffer *C.uchar
	var size C.ulong
	defer func() { C.tjFree(buffer) }()
	pixels := (*C.uchar)(unsafe.Pointer(unsafe.SliceData(image)))
	if C.tjCompress2(handle, pixels, C.int(width), 0, C.int(height), C.TJPF_BGR, &buffer, &size, C.TJSAMP_420,
		C.int(quality), C.TJFLAG_ACCURATEDCT) != 0 {
		return nil, failure(handle)
	}
	return C.GoBytes(unsafe.Pointer(buffer), C.int(size)), nil
}

func failure(handle C.tjhandle) error { return errors.New(C.GoString(C.tjGetErrorStr2(handle))) }
