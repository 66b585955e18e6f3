package avatar

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"os"
)

// Generated files say that they are: IPTC's digital source type in an XMP packet (ISO 16684-1), as the Python
// implementation writes it. In mp4 it is a uuid box, in mov user data, in PNG an iTXt chunk, in JPEG an APP1 segment;
// Matroska and webm have a tag.
const (
	sourceType = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
	xmp        = "<?xpacket begin=\"\ufeff\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n" +
		"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n" +
		" <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n" +
		"  <rdf:Description rdf:about=\"\" xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\">\n" +
		"   <Iptc4xmpExt:DigitalSourceType>" + sourceType + "</Iptc4xmpExt:DigitalSourceType>\n" +
		"  </rdf:Description>\n" +
		" </rdf:RDF>\n" +
		"</x:xmpmeta>\n" +
		"<?xpacket end=\"r\"?>"
	matroskaTag = "DIGITAL_SOURCE_TYPE"

	mp4Box    = "be7acfcb97a942e89c71999491e3afac" // the uuid of XMP
	pngHeader = 33                                 // bytes of a PNG's signature and of IHDR
	pngKey    = "XML:com.adobe.xmp\x00\x00\x00\x00\x00"
	jpegKey   = "http://ns.adobe.com/xap/1.0/\x00"
)

// markMP4 marks a complete mp4 file.
func markMP4(path string) error {
	uuid, err := hex.DecodeString(mp4Box)
	if err != nil {
		return err
	}
	content := append(uuid, xmp...)
	box := binary.BigEndian.AppendUint32(nil, uint32(8+len(content)))
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err = file.Write(append(append(box, "uuid"...), content...)); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// markedImage is a PNG or JPEG image, marked.
func markedImage(data []byte, suffix string) []byte {
	if suffix == "png" {
		chunk := []byte("iTXt" + pngKey + xmp)
		framed := binary.BigEndian.AppendUint32(nil, uint32(len(chunk)-4))
		framed = append(framed, chunk...)
		framed = binary.BigEndian.AppendUint32(framed, crc32.ChecksumIEEE(chunk))
		return append(append(append([]byte(nil), data[:pngHeader]...), framed...), data[pngHeader:]...)
	}
	start := 2 // after the start of the image, and after JFIF's own segment, which must come first
	if data[2] == 0xFF && data[3] == 0xE0 {
		start += 2 + int(binary.BigEndian.Uint16(data[4:]))
	}
	segment := binary.BigEndian.AppendUint16([]byte{0xFF, 0xE1}, uint16(2+len(jpegKey)+len(xmp)))
	segment = append(segment, jpegKey+xmp...)
	return append(append(append([]byte(nil), data[:start]...), segment...), data[start:]...)
}
