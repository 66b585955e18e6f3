/// Generated files say that they are: IPTC's digital source type in their metadata, as Python writes it.
///
/// It stands in an XMP packet (ISO 16684-1; Adobe's XMP specification, part 3): in mp4 a `uuid` box, in PNG an iTXt
/// chunk, in JPEG an APP1 segment. Matroska and webm have a tag.

/// https://cv.iptc.org/newscodes/digitalsourcetype: made by a model that was trained on sampled content.
let digitalSourceType = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

let xmpPacket = """
    <?xpacket begin="\u{feff}" id="W5M0MpCehiHzreSzNTczkc9d"?>
    <x:xmpmeta xmlns:x="adobe:ns:meta/">
     <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
      <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
       <Iptc4xmpExt:DigitalSourceType>\(digitalSourceType)</Iptc4xmpExt:DigitalSourceType>
      </rdf:Description>
     </rdf:RDF>
    </x:xmpmeta>
    <?xpacket end="r"?>
    """

/// Tag of Matroska and webm.
let digitalSourceTag = "DIGITAL_SOURCE_TYPE"

/// What a complete mp4 file is marked with when it is appended: the box of XMP.
func provenanceBox() -> [UInt8] {
    let identifier: [UInt8] = [
        0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac,
    ]
    let content = identifier + Array(xmpPacket.utf8)
    return bigEndian(UInt32(8 + content.count)) + Array("uuid".utf8) + content
}

/// The bytes of a PNG or JPEG image, marked.
func markedImage(_ data: [UInt8]) -> [UInt8] {
    if data.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
        let start = 33  // the signature and the header chunk
        let chunk = Array("iTXtXML:com.adobe.xmp\0\0\0\0\0".utf8) + Array(xmpPacket.utf8)
        let framed = bigEndian(UInt32(chunk.count - 4)) + chunk + bigEndian(crc32(chunk))
        return data[..<start] + framed + data[start...]
    }
    let content = Array("http://ns.adobe.com/xap/1.0/\0".utf8) + Array(xmpPacket.utf8)
    // After the start of the image, and after JFIF's own segment, which must come first.
    let start = data[2...].starts(with: [0xFF, 0xE0]) ? 4 + (Int(data[4]) << 8 | Int(data[5])) : 2
    return data[..<start] + [0xFF, 0xE1] + bigEndian(UInt32(2 + content.count))[2...] + content + data[start...]
}

private func bigEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
}
