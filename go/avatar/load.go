package avatar

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"sort"
)

// Package is an avatar package whose manifest is valid and whose files are those listed, each of the size stated there.
type Package struct {
	Path        string
	Manifest    *Manifest
	Fingerprint string // SHA-256 of avatar.json, and so of everything
	files       map[string]fileRange
}

// OpenPackage opens the folder or archive at path; its files are listed and measured, and read when they are asked for.
func OpenPackage(path string) (*Package, error) {
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil, fail(MissingFile, path, "no such avatar; give an .avatar file or the folder of one")
	}
	opened, err := openPackage(path)
	if err == nil {
		return opened, nil
	}
	if _, ok := err.(*refusal); ok {
		return nil, refused(path, err)
	}
	return nil, unreadable(path, err)
}

func unreadable(path string, err error) error {
	failure := fail(BadPackage, path, "cannot be read (%s); check the file's rights", shown(err.Error()))
	failure.Stage, failure.Cause = StageStorage, err
	return failure
}

func openPackage(path string) (*Package, error) {
	files, err := findFiles(path)
	if err != nil {
		return nil, err
	}
	place, there := files[manifestFile]
	if !there {
		return nil, refuse(StageStorage, "has no %s", manifestFile)
	}
	delete(files, manifestFile)
	if place.size > mostManifest {
		return nil, refuse(StageManifest, "%s has %d bytes; expected at most %d", manifestFile, place.size, mostManifest)
	}
	data, err := place.read()
	if err != nil {
		return nil, err
	}
	manifest, err := readManifest(data)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		entry, listed := manifest.Files[name]
		if !listed {
			return nil, refuse(StageListing, "holds %s, which is not listed", shown(name))
		}
		if files[name].size != entry.Size {
			return nil, refuse(StageListing, "%s has %d bytes; expected %d", name, files[name].size, entry.Size)
		}
	}
	for name := range manifest.Files {
		if _, there := files[name]; !there {
			return nil, refuse(StageListing, "lacks %s", shown(name))
		}
	}
	digest := sha256.Sum256(data)
	return &Package{path, manifest, hex.EncodeToString(digest[:]), files}, nil
}

// Read gives the bytes of a file of the manifest, which have the size and SHA-256 that are stated there. Safe for
// goroutines.
func (p *Package) Read(name string) ([]byte, error) {
	data, err := p.files[name].read()
	if err != nil {
		return nil, unreadable(p.Path, err)
	}
	digest := sha256.Sum256(data)
	if hex.EncodeToString(digest[:]) != p.Manifest.Files[name].SHA256 {
		return nil, refused(p.Path, refuse(StageHash, "%s is not the file that %s lists, its bytes differ", name, manifestFile))
	}
	return data, nil
}
