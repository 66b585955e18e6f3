package avatar

import (
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"unsafe"
)

const (
	mostFiles     = 250_000  // two images for each of 100,000 frames, and some more
	mostDirectory = 32 << 20 // bytes of an archive's directory, which is read as a whole
)

// fileRange is where a file's bytes are.
type fileRange struct {
	path        string
	start, size int64
}

// read gives the bytes, never more than size even if the file grows.
func (s fileRange) read() ([]byte, error) {
	file, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if found, err := file.Stat(); err == nil && s.size > found.Size() {
		return nil, io.ErrUnexpectedEOF // before so much memory is taken
	}
	data := make([]byte, s.size)
	inLargePages(data)
	count, err := file.ReadAt(data, s.start)
	if err == io.EOF {
		err = nil
	}
	return data[:count], err
}

// inLargePages asks the system for large pages for memory that is about to be filled. Filling small ones takes longer than
// reading does.
func inLargePages(data []byte) {
	const large, hugePage = 2 << 20, 14 // bytes of such a page; Linux's MADV_HUGEPAGE
	if len(data) >= 2*large && runtime.GOOS == "linux" {
		start := uintptr(unsafe.Pointer(unsafe.SliceData(data)))
		syscall.Syscall(syscall.SYS_MADVISE, start, uintptr(len(data)/large*large), hugePage)
	}
}

// findFiles gives every file of the folder or archive at path by its name, with / between a folder and a file.
func findFiles(path string) (map[string]fileRange, error) {
	files := map[string]fileRange{}
	add := func(name string, where fileRange) error {
		if _, twice := files[name]; twice {
			return refuse(StageStorage, "holds %s twice", shown(name))
		}
		files[name] = where
		if len(files) > mostFiles {
			return refuse(StageStorage, "holds more than %d files", mostFiles)
		}
		return nil
	}
	found, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if found.IsDir() {
		return files, inFolder(path, "", add)
	}
	if !found.Mode().IsRegular() {
		return nil, refuse(StageStorage, "is no file and no folder")
	}
	return files, inArchive(path, add)
}

func inFolder(folder, prefix string, add func(string, fileRange) error) error {
	directory, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer directory.Close()
	empty := true
	for {
		entries, err := directory.ReadDir(1024)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		for _, entry := range entries {
			empty = false
			if err := inFolderEntry(folder, prefix, entry, add); err != nil {
				return err
			}
		}
	}
	if empty {
		return refuse(StageStorage, "%s is an empty folder", shown(prefix+"."))
	}
	return nil
}

func inFolderEntry(folder, prefix string, entry fs.DirEntry, add func(string, fileRange) error) error {
	name, path := prefix+entry.Name(), filepath.Join(folder, entry.Name())
	found, err := os.Lstat(path)
	if err != nil {
		return err
	}
	switch {
	case found.IsDir() && prefix != "":
		return refuse(StageStorage, "%s is a folder; expected files in %s", shown(name), shown(prefix))
	case found.IsDir():
		return inFolder(path, name+"/", add)
	case found.Mode().IsRegular():
		return add(name, fileRange{path, 0, found.Size()})
	}
	return refuse(StageStorage, "%s is a link or no file; expected the file itself", shown(name))
}

// Layout of zip archives: APPNOTE.TXT of PKWARE, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16.
const (
	localSize, entrySize, endSize, locatorSize, end64Size = 30, 46, 22, 20, 56

	encryptedFlag   = 1
	folderAttribute = 0x10 // of MS-DOS, in an entry's external attributes
)

var little = binary.LittleEndian

func inArchive(path string, add func(string, fileRange) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	found, err := file.Stat()
	if err != nil {
		return err
	}
	size := found.Size()
	directory, stated, err := readDirectory(file, size)
	if err != nil {
		return err
	}
	type pending struct {
		name  string
		entry []byte
		place fileRange
		at    int64
	}
	var entries []pending
	total := int64(0)
	for len(directory) > 0 {
		if len(directory) < entrySize || string(directory[:4]) != "PK\x01\x02" {
			return refuse(StageStorage, "is no readable archive (its directory is damaged)")
		}
		nameSize, extraSize := int(little.Uint16(directory[28:])), int(little.Uint16(directory[30:]))
		length := entrySize + nameSize + extraSize + int(little.Uint16(directory[32:]))
		if length > len(directory) {
			return refuse(StageStorage, "is no readable archive (its directory is cut off)")
		}
		entry := directory[:length]
		directory = directory[length:]
		sizes := [3]int64{int64(little.Uint32(entry[20:])), int64(little.Uint32(entry[24:])), int64(little.Uint32(entry[42:]))}
		if err := zip64Sizes(&sizes, entry[entrySize+nameSize:][:extraSize]); err != nil {
			return err
		}
		if total += sizes[0]; total > size {
			return refuse(StageStorage, "has an archive's directory that states more bytes than there are")
		}
		name := string(entry[entrySize:][:nameSize])
		where := pending{name, entry, fileRange{path, 0, sizes[1]}, sizes[2]}
		if sizes[0] != sizes[1] {
			where.place.size = -1
		}
		if entries = append(entries, where); len(entries) > mostFiles {
			return refuse(StageStorage, "holds more than %d files", mostFiles)
		}
	}
	if stated != int64(len(entries)) {
		return refuse(StageStorage, "has %d files in its archive's directory, and states another number", len(entries))
	}
	for _, one := range entries {
		place, err := inEntry(file, size, one.name, one.entry, one.place, one.at)
		if err != nil {
			return err
		}
		if err := add(one.name, place); err != nil {
			return err
		}
	}
	return nil
}

// readDirectory gives an archive's directory, and how many entries it states. Nothing may be before or after the archive: readers would find different ones.
func readDirectory(file *os.File, size int64) ([]byte, int64, error) {
	unreadable := refuse(StageStorage, "is no readable archive (it has no directory)")
	endsAt := size - endSize
	end := make([]byte, endSize)
	if endsAt < 0 {
		return nil, 0, unreadable
	}
	if _, err := file.ReadAt(end, endsAt); err != nil && err != io.EOF {
		return nil, 0, err
	}
	if string(end[:4]) != "PK\x05\x06" {
		return nil, 0, unreadable
	}
	length, offset := int64(little.Uint32(end[12:])), int64(little.Uint32(end[16:]))
	counts, disks := [2]int64{int64(little.Uint16(end[8:])), int64(little.Uint16(end[10:]))}, int64(little.Uint32(end[4:]))
	if before := endsAt - locatorSize - end64Size; before >= 0 {
		record := make([]byte, end64Size+locatorSize)
		if _, err := file.ReadAt(record, before); err != nil {
			return nil, 0, err
		}
		if string(record[:4]) == "PK\x06\x06" && string(record[end64Size:][:4]) == "PK\x06\x07" {
			length, offset, endsAt = int64(little.Uint64(record[40:])), int64(little.Uint64(record[48:])), before
			counts, disks = [2]int64{int64(little.Uint64(record[24:])), int64(little.Uint64(record[32:]))}, int64(little.Uint64(record[16:]))
		}
	}
	if length > mostDirectory {
		return nil, 0, refuse(StageStorage, "its archive's directory takes %d bytes; at most %d are expected", length, mostDirectory)
	}
	if length < 0 || offset < 0 || little.Uint16(end[20:]) != 0 || offset != endsAt-length {
		return nil, 0, refuse(StageStorage, "has a comment, or something before or after its archive; pack the files alone (zip -0)")
	}
	if disks != 0 || counts[0] != counts[1] {
		return nil, 0, unreadable
	}
	directory := make([]byte, length)
	_, err := file.ReadAt(directory, offset)
	if err == io.EOF {
		err = nil
	}
	return directory, counts[0], err
}

// zip64Sizes fills in what an entry's 32-bit fields leave to its extra field: both sizes and the header's place.
func zip64Sizes(sizes *[3]int64, extra []byte) error {
	order := [3]int{1, 0, 2} // the uncompressed size comes first
	for len(extra) >= 4 {
		kind, length := little.Uint16(extra), int(little.Uint16(extra[2:]))
		if 4+length > len(extra) {
			return refuse(StageStorage, "is no readable archive (an entry's extra field is cut off)")
		}
		content := extra[4:][:length]
		extra = extra[4+length:]
		if kind != 1 {
			continue
		}
		for _, i := range order {
			if sizes[i] != 0xFFFFFFFF {
				continue
			}
			if len(content) < 8 || little.Uint64(content) > 1<<62 {
				return refuse(StageStorage, "is no readable archive (an entry's sizes are damaged)")
			}
			sizes[i] = int64(little.Uint64(content))
			content = content[8:]
		}
	}
	return nil
}

// inEntry is where the data of a directory's entry are, once it is a plain file.
func inEntry(file *os.File, size int64, name string, entry []byte, place fileRange, at int64) (fileRange, error) {
	attributes := little.Uint32(entry[38:])
	kind := attributes >> 16 & 0o170000
	switch {
	case little.Uint16(entry[8:])&encryptedFlag != 0:
		return place, refuse(StageStorage, "%s is encrypted", shown(name))
	case little.Uint16(entry[10:]) != 0 || place.size < 0:
		return place, refuse(StageStorage, "%s is compressed; expected entries that are stored as they are (zip -0)", shown(name))
	case kind != 0 && kind != 0o100000 || attributes&folderAttribute != 0:
		return place, refuse(StageStorage, "%s is a link, a folder or no file; expected files alone", shown(name))
	}
	header := make([]byte, localSize)
	if at >= 0 && at <= size-localSize {
		if _, err := file.ReadAt(header, at); err != nil {
			return place, err
		}
		place.start = at + localSize + int64(little.Uint16(header[26:])) + int64(little.Uint16(header[28:]))
		if string(header[:4]) == "PK\x03\x04" && place.start+place.size <= size {
			return place, nil
		}
	}
	return place, refuse(StageStorage, "%s is not where the archive's directory says", shown(name))
}
