package avatar

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"

	"framegen/go/internal/turbojpeg"
)

const (
	pngSignature    = "\x89PNG\r\n\x1a\n"
	mostImagePixels = 1 << 27 // of an image, 16384x8192; more is a mistake, or meant to fill the memory
	mostSegments    = 10_000  // of a JPEG before its size
	mostScans       = 64      // of a JPEG; progressive ones have about ten, and decoders go through a whole image for each
)

// readHeader gives width and height of a JPEG or PNG image as its header states them, once it is complete to its end. An
// empty suffix stands for both kinds.
func readHeader(data []byte, name, suffix string) (width, height int, err error) {
	damaged := refuse(StageImages, "%s: a damaged image", name)
	kind := "jpg"
	switch {
	case bytes.HasPrefix(data, []byte(pngSignature)):
		kind = "png"
		if len(data) < 24 || string(data[12:16]) != "IHDR" {
			return 0, 0, damaged
		}
		width, height = int(binary.BigEndian.Uint32(data[16:])), int(binary.BigEndian.Uint32(data[20:]))
	case bytes.HasPrefix(data, []byte("\xff\xd8")):
		if width, height = jpegSize(data); width < 0 {
			return 0, 0, damaged
		}
	default:
		return 0, 0, refuse(StageImages, "%s: neither a JPEG nor a PNG image", name)
	}
	if width <= 0 || height <= 0 || width > mostImagePixels/height {
		return 0, 0, refuse(StageImages, "%s: states %dx%d pixels; expected an image of at most %d", name, width, height, mostImagePixels)
	}
	complete := bytes.Contains(data[max(0, len(data)-64):], []byte("\xff\xd9"))
	if kind == "png" {
		complete = len(data) >= 12 && string(data[len(data)-8:len(data)-4]) == "IEND"
	}
	if !complete {
		return 0, 0, refuse(StageImages, "%s: a damaged image, its end is missing", name)
	}
	if kind == "jpg" && jpegScans(data) > mostScans {
		return 0, 0, refuse(StageImages, "%s: is encoded in more than %d scans", name, mostScans)
	}
	if suffix != "" && kind != suffix {
		return 0, 0, refuse(StageImages, "%s is no %s image", name, suffix)
	}
	return width, height, nil
}

// jpegSize is what the start of a JPEG's frame states (ITU-T T.81, B.2.2), or -1.
func jpegSize(data []byte) (width, height int) {
	at := 2
	for range mostSegments {
		if at+4 > len(data) || data[at] != 0xFF {
			break
		}
		marker := data[at+1]
		if marker == 0xFF { // fill bytes may precede a marker
			at++
			continue
		}
		if marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC {
			if at+9 > len(data) {
				break
			}
			return int(binary.BigEndian.Uint16(data[at+7:])), int(binary.BigEndian.Uint16(data[at+5:]))
		}
		length := int(binary.BigEndian.Uint16(data[at+2:]))
		if length < 2 {
			break
		}
		at += 2 + length
	}
	return -1, -1
}

// jpegScans counts the scans of a JPEG up to its end, none of them in what its segments hold; it stops above mostScans.
func jpegScans(data []byte) int {
	scans := 0
	for at := 2; scans <= mostScans; {
		next := bytes.IndexByte(data[min(at, len(data)):], 0xFF)
		if next < 0 {
			break
		}
		for at += next; at < len(data) && data[at] == 0xFF; at++ { // fill bytes may precede a marker
		}
		if at == len(data) || data[at] == 0xD9 {
			break
		}
		marker := data[at]
		at++
		if marker <= 0x01 || marker >= 0xD0 && marker <= 0xD8 { // without a segment
			continue
		}
		if marker == 0xDA {
			scans++
		}
		if at+2 > len(data) {
			break
		}
		at += int(binary.BigEndian.Uint16(data[at:]))
	}
	return scans
}

// decodeImage decodes an image of the stated size into image, BGR, row by row, not turned whatever its EXIF says. An empty
// suffix stands for both kinds.
func decodeImage(data []byte, name, suffix string, width, height int, image []byte) error {
	if suffix == "" {
		if suffix = "jpg"; bytes.HasPrefix(data, []byte(pngSignature)) {
			suffix = "png"
		}
	}
	w, h, err := readHeader(data, name, suffix)
	if err != nil {
		return err
	}
	if w != width || h != height {
		return refuse(StageImages, "%s is %dx%d pixels; expected %dx%d", name, w, h, width, height)
	}
	if suffix == "jpg" {
		err = turbojpeg.Decode(data, image, width, height)
	} else {
		err = decodePNG(data, image, width, height)
	}
	if err != nil {
		return refuse(StageImages, "%s cannot be decoded to %dx%d pixels (%s)", name, width, height, shown(err.Error()))
	}
	return nil
}

// decodePNG gives the colours as they are stored: what shines through is not mixed in, and of 16 bits the upper 8 are kept.
func decodePNG(data, target []byte, width, height int) error {
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	set := func(at int, r, g, b uint8) { target[at], target[at+1], target[at+2] = b, g, r }
	for y := range height {
		for x := range width {
			at := 3 * (width*y + x)
			switch pixels := decoded.(type) {
			case *image.RGBA:
				p := pixels.Pix[pixels.PixOffset(x, y):]
				set(at, p[0], p[1], p[2])
			case *image.NRGBA:
				p := pixels.Pix[pixels.PixOffset(x, y):]
				set(at, p[0], p[1], p[2])
			case *image.Gray:
				v := pixels.Pix[pixels.PixOffset(x, y)]
				set(at, v, v, v)
			case *image.Gray16:
				v := pixels.Pix[pixels.PixOffset(x, y)]
				set(at, v, v, v)
			case *image.RGBA64:
				p := pixels.Pix[pixels.PixOffset(x, y):]
				set(at, p[0], p[2], p[4])
			case *image.NRGBA64:
				p := pixels.Pix[pixels.PixOffset(x, y):]
				set(at, p[0], p[2], p[4])
			default:
				c := color.NRGBAModel.Convert(decoded.At(x, y)).(color.NRGBA)
				set(at, c.R, c.G, c.B)
			}
		}
	}
	return nil
}

// encodePNG encodes an image, BGR, with one filter for all rows: image/png tries five on each, which takes three times as long.
func encodePNG(pixels []byte, width, height int) ([]byte, error) {
	encoded := bytes.NewBufferString(pngSignature)
	chunk := func(kind string, content []byte) {
		chunk := append([]byte(kind), content...)
		binary.Write(encoded, binary.BigEndian, uint32(len(content)))
		encoded.Write(chunk)
		binary.Write(encoded, binary.BigEndian, crc32.ChecksumIEEE(chunk))
	}
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(width)), uint32(height))
	chunk("IHDR", append(header, 8, 2, 0, 0, 0)) // 8 bits of each of three colours, not interlaced

	var compressed bytes.Buffer
	compressor, err := zlib.NewWriterLevel(&compressed, zlib.BestSpeed)
	if err != nil {
		return nil, err
	}
	row := make([]byte, 1+3*width)
	row[0] = 1 // the filter that gives differences to the pixel on the left
	for ; len(pixels) > 0; pixels = pixels[3*width:] {
		blue, green, red := byte(0), byte(0), byte(0)
		for x := 0; x < 3*width; x += 3 {
			b, g, r := pixels[x], pixels[x+1], pixels[x+2]
			row[x+1], row[x+2], row[x+3] = r-red, g-green, b-blue
			blue, green, red = b, g, r
		}
		if _, err := compressor.Write(row); err != nil {
			return nil, err
		}
	}
	if err := compressor.Close(); err != nil {
		return nil, err
	}
	chunk("IDAT", compressed.Bytes())
	chunk("IEND", nil)
	return encoded.Bytes(), nil
}
