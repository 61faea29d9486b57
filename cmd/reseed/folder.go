package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"reseed/pkg/importer"
	"reseed/pkg/job"
)

// stdin is the file that the argument - stands for.
const stdin = "/dev/stdin"

// expand replaces each folder among the arguments by the files in it that can be imported, in the
// order of their names. The notes say what else is there; they are printed, too. read says how the
// files are read.
func (sh *shell) expand(ctx context.Context, args []string, read job.File) (files, notes []string, err error) {
	for _, arg := range args {
		if arg == "-" {
			arg = stdin
		}
		info, err := os.Stat(arg)
		if err != nil {
			return nil, nil, usage("%v", err)
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		found, err := inFolder(ctx, arg, read)
		if err != nil {
			return nil, nil, usage("%v", err)
		}
		if len(found.files) == 0 {
			return nil, nil, usage("%s", found.nothing(arg))
		}
		files, notes = append(files, found.files...), append(notes, found.notes(arg)...)
	}
	for _, n := range notes {
		fprintf(sh.errOut, "reseed: %s\n", n)
	}
	return files, notes, nil
}

// contents are what was found in a folder.
type contents struct {
	files  []string // to be imported
	others []string // regular files that are none of those that can be imported
	odd    []string // what else is left out, and why
}

func (c contents) notes(folder string) (notes []string) {
	if len(c.others) > 0 {
		notes = append(notes, "left out of "+folder+": "+importer.Listed(importer.TellApart(c.others)))
	}
	return append(notes, c.odd...)
}

func (c contents) nothing(folder string) string {
	text := "there is no CSV or NDJSON file, workbook or ZIP in " + folder
	if len(c.others) > 0 {
		text += "; it holds " + importer.Listed(importer.TellApart(c.others))
	}
	return strings.Join(append([]string{text}, c.odd...), "; ")
}

// inFolder looks through a folder. It leaves out pipes and devices, which may have no end, links
// that lead out of the folder, and .txt files that are no tables. It leaves out without a word: links to
// other files of the list, hidden files, and files of the operating system.
func inFolder(ctx context.Context, top string, read job.File) (c contents, err error) {
	names, taken, others, err := walkFolder(top + string(filepath.Separator)) // it may be a link itself
	if err != nil {
		return c, err
	}
	c.others = others
	base, err := filepath.EvalSymlinks(top)
	if err != nil {
		return c, err
	}
	for _, name := range names {
		why, err := leftOut(base, name, taken)
		if err != nil {
			return c, err
		}
		switch why {
		case "":
			if err := c.add(ctx, name, read); err != nil {
				return c, err
			}
		case inList:
		default:
			c.odd = append(c.odd, fmt.Sprintf("left out %s: %s", name, why))
		}
	}
	return c, nil
}

// add adds a file, unless it is text for people. One that cannot be unpacked is left to the import.
func (c *contents) add(ctx context.Context, name string, read job.File) error {
	read.Name = name
	prose, err := importer.IsProse(ctx, read, nil, func() (io.ReadCloser, error) {
		return os.Open(name) //nolint:gosec // in a folder that the person names
	})
	switch _, unreadable := errors.AsType[*fs.PathError](err); {
	case unreadable, ctx.Err() != nil:
		return err
	case prose:
		c.others = append(c.others, name)
	default:
		c.files = append(c.files, name)
	}
	return nil
}

// walkFolder lists what may be files to import by their names, and the regular files that are none.
// plain has the real paths of the regular files among the first.
func walkFolder(root string) (names []string, plain map[string]bool, others []string, err error) {
	plain = map[string]bool{}
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch ignored := importer.Ignores(d.Name()); {
		case d.IsDir() && ignored && name != root:
			return fs.SkipDir
		case d.IsDir() || ignored:
			return nil
		case !importer.Takes(d.Name()):
			if d.Type().IsRegular() {
				others = append(others, name)
			}
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
	return names, plain, others, err
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
