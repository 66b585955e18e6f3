package avatar

import (
	"archive/zip"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// writeArchive stores the folder's files in an archive as framegen pack does.
func writeArchive(t *testing.T, folder, path string) {
	t.Helper()
	file, err := os.Create(path)
	must(t, err)
	defer file.Close()
	archive := zip.NewWriter(file)
	must(t, filepath.WalkDir(folder, func(found string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, found)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(found)
		if err != nil {
			return err
		}
		target, err := archive.CreateHeader(&zip.FileHeader{Name: filepath.ToSlash(name), Method: zip.Store})
		if err != nil {
			return err
		}
		_, err = target.Write(data)
		return err
	}))
	must(t, archive.Close())
}

func TestOneChangedByteIsRefusedOrOfNoConsequence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "may.avatar")
	writeArchive(t, at("avatars/whisper-160"), path)
	data, err := os.ReadFile(path)
	must(t, err)
	intact := contents(t, path)
	for place := len(data) - 1; place > 0; place -= 1 + (len(data)-place)/9 {
		kept := data[place]
		data[place] ^= 1 << (place % 8)
		must(t, os.WriteFile(path, data, 0o600))
		data[place] = kept
		if found := contents(t, path); found != nil && len(found) != len(intact) {
			t.Fatalf("byte %d changed: other files", place)
		} else {
			for name, content := range found {
				if content != intact[name] {
					t.Fatalf("byte %d changed: %s differs", place, name)
				}
			}
		}
	}
}

// contents are the files of a package, or nil where it is refused.
func contents(t *testing.T, path string) map[string]string {
	t.Helper()
	p, err := OpenPackage(path)
	if err != nil {
		return nil
	}
	found := map[string]string{}
	for name := range p.Manifest.Files {
		data, err := p.Read(name)
		if err != nil {
			return nil
		}
		found[name] = string(data)
	}
	return found
}
