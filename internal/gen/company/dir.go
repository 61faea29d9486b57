package company

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ExpectedFile is the name of the summary beside the files.
const ExpectedFile = "EXPECTED.json"

// WriteDir writes the datasets (all of the layout if none are named) to
// <dataset>.csv (or .ndjson) in dir, and the summary to [ExpectedFile]. It makes
// dir if it does not exist, and replaces files of the same names.
func WriteDir(dir string, o Options, only ...Dataset) (Summary, error) {
	if len(only) == 0 {
		only = o.Layout.Datasets()
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return Summary{}, fmt.Errorf("make the folder: %w", err)
	}
	files, err := create(dir, o.Format.end(), only)
	if err != nil {
		return Summary{}, errors.Join(err, files.close())
	}
	s, err := Generate(o, files.writers())
	if err = errors.Join(err, files.close()); err != nil {
		return Summary{}, err
	}
	return s, s.write(filepath.Join(dir, ExpectedFile))
}

type openFiles map[Dataset]*os.File

func create(dir, end string, datasets []Dataset) (openFiles, error) {
	files := openFiles{}
	for _, dataset := range datasets {
		f, err := os.Create(filepath.Join(dir, filepath.Base(string(dataset)+end)))
		if err != nil {
			return files, fmt.Errorf("create %s: %w", dataset, err)
		}
		files[dataset] = f
	}
	return files, nil
}

func (files openFiles) writers() map[Dataset]io.Writer {
	writers := map[Dataset]io.Writer{}
	for dataset, f := range files {
		writers[dataset] = f
	}
	return writers
}

func (files openFiles) close() error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

func (s *Summary) write(path string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the summary: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}
