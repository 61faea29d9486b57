package console

import (
	"bytes"
	"io"
	"io/fs"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/testdata"
)

// nameOfSample is the data source into which the sample company is imported.
const nameOfSample = "Sample company"

// includeSample is POST /sources/sample: it imports the sample company into a data source of its own. Once
// more it changes nothing.
func (c *Console) includeSample(v *visit) (answer, error) {
	files, err := sampleFiles()
	if err != nil {
		return answer{}, err
	}
	src, err := v.sampleSource()
	if err != nil {
		return answer{}, err
	}
	quiet := false
	j, err := v.client.Import(v.ctx(), src.UUID, wire.ImportOptions{Mode: wire.Upsert, Mail: &quiet}, files)
	if err != nil {
		return answer{}, err
	}
	return goTo("/jobs/" + j.ID), nil
}

// sampleSource is the data source of the sample; it is made if it is not there.
func (v *visit) sampleSource() (wire.Source, error) {
	named, err := v.client.SourcesNamed(v.ctx(), nameOfSample)
	switch {
	case err != nil:
		return wire.Source{}, err
	case len(named) > 0:
		return named[0], nil
	}
	return v.client.AddSource(v.ctx(), nameOfSample, "CSV")
}

// sampleFiles are the files of the sample company.
func sampleFiles() (files []client.File, err error) {
	names, err := fs.Glob(testdata.Company, "company/*.csv")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := testdata.Company.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, client.File{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }})
	}
	return files, nil
}
