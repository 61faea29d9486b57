package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"reseed/pkg/importer"
)

// stdin is the file that the argument - stands for.
const stdin = "/dev/stdin"

// expand replaces each folder among the arguments by the files in it that can be imported, in the
// order of their names.
func (sh *shell) expand(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		if arg == "-" {
			arg = stdin
		}
		info, err := os.Stat(arg)
		if err != nil {
			return nil, usage("%v", err)
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		found, err := sh.inFolder(arg)
		if err != nil {
			return nil, usage("%v", err)
		}
		if len(found) == 0 {
			return nil, usage("there is no CSV, NDJSON or ZIP file in %s", arg)
		}
		files = append(files, found...)
	}
	return files, nil
}

// inFolder lists the files of a folder that can be imported. It leaves out pipes and devices, which
// may have no end, and links that lead out of the folder, and says so. A link to another file of
// the list is left out without a word.
func (sh *shell) inFolder(top string) (files []string, err error) {
	names, taken, err := walkFolder(top + string(filepath.Separator)) // it may be a link itself
	if err != nil {
		return nil, err
	}
	base, err := filepath.EvalSymlinks(top)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		why, err := leftOut(base, name, taken)
		if err != nil {
			return nil, err
		}
		switch why {
		case "":
			files = append(files, name)
		case inList:
		default:
			fprintf(sh.errOut, "reseed: left out %s: %s\n", name, why)
		}
	}
	return files, nil
}

// walkFolder lists what may be files to import by their names. plain has the real paths of the
// regular files among them.
func walkFolder(root string) (names []string, plain map[string]bool, err error) {
	plain = map[string]bool{}
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch hidden := strings.HasPrefix(d.Name(), "."); {
		case d.IsDir() && hidden && name != root:
			return fs.SkipDir
		case d.IsDir() || hidden || !importer.Takes(name):
			return nil
		}
		names = append(names, name)
		if !d.Type().IsRegular() {
			return nil
		}
		path, err := filepath.EvalSymlinks(name)
		plain[path] = true
		return err
	})
	return names, plain, err
}

// leftOut says why an entry of a folder is not imported; why is empty if it is imported, and inList
// if the file it leads to is. taken has the real paths of the files that are imported; leftOut adds
// to it.
func leftOut(base, name string, taken map[string]bool) (why string, err error) {
	entry, err := os.Lstat(name)
	if err != nil || entry.Mode().IsRegular() {
		return "", err
	}
	if entry.Mode()&fs.ModeSymlink == 0 {
		return notPlain, nil
	}
	path, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "the link leads nowhere", nil //nolint:nilerr // a broken link is no reason to stop
	}
	if !strings.HasPrefix(path, base+string(filepath.Separator)) {
		return "the link leads out of the folder; to import the file, name it", nil
	}
	switch target, err := os.Stat(path); {
	case err != nil:
		return "", err
	case target.IsDir(), taken[path]:
		return inList, nil
	case !target.Mode().IsRegular():
		return notPlain, nil
	}
	taken[path] = true
	return "", nil
}

const (
	inList   = "in the list" // the file that the link leads to is in the list itself
	notPlain = "it is no plain file"
)
