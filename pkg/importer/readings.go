package importer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/later"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Readings returns what a source keeps about the reading of its files.
func (im *Importer) Readings(ctx context.Context, tag store.Tag) (source.Readings, error) {
	return readReadings(ctx, im.c.Store, tag)
}

const attrReadings = "body"

func readReadings(ctx context.Context, st *store.Store, tag store.Tag) (r source.Readings, err error) {
	key := store.ReadingsKey(tag)
	found, err := st.Lookup(ctx, key)
	if err != nil || found[key] == nil {
		return r, err
	}
	if err := later.Unmarshal([]byte(found[key].Str(attrReadings)), &r); err != nil {
		return r, fault.Wrap(err, fault.Internal, "readings", "read what a source keeps about its files")
	}
	return r, nil
}

// EncodeReadings makes the item of what a source keeps about the reading of its files.
func EncodeReadings(tag store.Tag, r source.Readings) (table.Item, error) {
	body, err := later.Marshal(r)
	if err != nil {
		return table.Item{}, fault.Wrap(err, fault.Internal, "readings", "encode what a source keeps about its files")
	}
	return table.Item{Key: store.ReadingsKey(tag), Attrs: table.NewBuilder().Str(attrReadings, string(body)).Attrs()}, nil
}

// errSame ends a change of the directory because there is nothing to change.
var errSame = errors.New("nothing to change")

// ChangeReadings lets change alter what a source keeps, and returns that. The transaction also
// stores the directory: so changes come one after the other, and none comes after the source was
// erased. Then the error is fault.NotFound.
func (im *Importer) ChangeReadings(ctx context.Context, tag store.Tag, change func(*source.Readings) error) (r source.Readings, err error) {
	_, err = im.c.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		if _, there := d.ByTag(tag); !there {
			return nil, errNoSource()
		}
		var err error
		if r, err = readReadings(ctx, im.c.Store, tag); err != nil {
			return nil, err
		}
		was, err := EncodeReadings(tag, r)
		if err != nil {
			return nil, err
		}
		if err := change(&r); err != nil {
			return nil, err
		}
		is, err := EncodeReadings(tag, r)
		if err == nil && bytes.Equal(was.Attrs, is.Attrs) {
			err = errSame
		}
		return []table.Write{{Item: is}}, err
	})
	if errors.Is(err, errSame) {
		err = nil
	}
	return r, err
}

// recall stores in a job that begins to read what its source keeps: every step, also after a kill,
// reads the files in the same way.
func (im *Importer) recall(ctx context.Context, j *job.Job) (*job.Job, error) {
	kept, err := readReadings(ctx, im.c.Store, j.Tag)
	if err != nil || len(kept.Kept)+len(kept.Headers) == 0 {
		return j, err
	}
	return im.c.Ledger.Update(ctx, j.ID, func(j *job.Job) error {
		if err := goesOn(j); err != nil {
			return err
		}
		if j.Stage == "" && !j.Import.Scanned {
			j.Import.Readings = &kept
		}
		return nil
	})
}

// remember keeps what the next imports should know of one that is done: its settings, if it was asked
// to, and the datasets of header rows that do not tell them. Once more it changes nothing.
func (im *Importer) remember(ctx context.Context, j *job.Job) error {
	var tables []job.File
	for _, f := range j.Import.Files {
		if f.Format == "" && (j.Import.Remember && !f.Settings.IsZero() || silent(f)) {
			tables = append(tables, f)
		}
	}
	if len(tables) == 0 {
		return nil
	}
	_, err := im.ChangeReadings(ctx, j.Tag, func(r *source.Readings) error {
		for _, f := range tables {
			ds := billing.Dataset(f.Dataset)
			if j.Import.Remember {
				r.Keep(ds, f.Settings.Over(r.Of(ds)))
			}
			if silent(f) {
				r.Know(csvsource.HeaderDigest(f.Header), ds)
			}
		}
		return nil
	})
	if fault.Is(err, fault.NotFound) { // the source is being erased
		return nil
	}
	return err
}

// silent reports whether the header row of a table, read with its settings, does not tell its
// dataset.
func silent(f job.File) bool {
	ds, err := csvsource.Recognise(f.Header, f.Settings.Map)
	return err != nil || string(ds) != f.Dataset
}

// beginBytes is how much of a file decides which settings it is read with.
const beginBytes = 64 << 10

// reading is how a file is going to be read.
type reading struct {
	hint    source.Hint
	dataset billing.Dataset // by which the settings were chosen; empty if it is not known yet
	given   source.Settings // with the import
	kept    billing.Dataset // those that were not given are what the source keeps for this dataset
}

// settings are those that were given, then those that are kept.
func (r reading) settings() source.Settings { return r.hint.Settled(source.Kept{}).Settings }

// readingOf finds out how to read a file of a job.
func (im *Importer) readingOf(ctx context.Context, jobID string, spec *job.ImportSpec, f job.File) (reading, error) {
	r, kept := reading{hint: hintOf(f), given: f.Settings}, spec.Readings
	if f.Format != "" || kept == nil && f.Settings.Encoding == "" {
		return r, nil
	}
	head, err := objectPart(ctx, im.c.Objects, f.Object, f.Version, 0, beginBytes)
	if err != nil {
		return r, err
	}
	if kept == nil {
		kept = &source.Readings{}
	}
	text := f.Tab != "" || strings.HasPrefix(f.Object, inputDir(jobID))
	r = resolve(ctx, kept, beginningOf(head, text), r.hint)
	if text && f.Tab == "" { // the unpack step has settled the encoding
		r.given.Encoding = spec.Zips[packedAs(jobID, spec.Files, f.Object)].Settings.Encoding
		if r.kept == "" && r.given.Encoding == "" && f.Settings.Encoding != "" {
			r.kept = r.dataset
		}
	}
	return r, nil
}

// resolve finds out how to read a table whose source keeps something: with the settings that were
// given, then with those that are kept for its dataset. The dataset is the one that was named. If
// none was, it is the one that the header row, the name of the file or an earlier file with the same
// header row tells, read with the given settings; or else the only one whose header row is there if
// the file is read with what is kept for it.
func resolve(ctx context.Context, kept *source.Readings, head beginning, hint source.Hint) reading {
	hint.Known = kept.Known()
	r := reading{hint: hint, given: hint.Settings}
	ds := hint.Dataset
	if ds == "" {
		ds = head.dataset(ctx, hint, hint.Settings)
	}
	if ds == "" {
		ds = head.only(ctx, kept, hint)
		r.hint.Kept.Dataset = ds
	}
	r.dataset = ds
	keeps := kept.Of(ds)
	if !reflect.DeepEqual(hint.Settings.Over(keeps), hint.Settings) {
		r.hint.Kept, r.kept = source.Kept{Dataset: ds, Settings: keeps}, ds
	}
	if head.text && r.given.Encoding != "" && r.given.Encoding == keeps.Encoding { // the unpack step has put it there
		r.given.Encoding, r.kept = "", ds
	}
	if head.text || head.marked() || head.isUTF8() {
		r.hint.Kept.Settings.Encoding = ""
	}
	if head.marked() && !head.text {
		r.hint.Settings.Encoding = ""
	}
	return r
}

// beginning is the beginning of a file.
type beginning struct {
	bytes []byte // whole lines, if there is one
	text  bool   // the unpack step has made it UTF-8 already, in the encoding of its settings
}

func beginningOf(head []byte, text bool) beginning {
	if end := bytes.LastIndexByte(head, '\n'); end >= 0 && len(head) == beginBytes {
		head = head[:end+1]
	}
	return beginning{head, text}
}

// marked reports whether the file begins with a byte order mark, which beats all settings.
func (b beginning) marked() bool {
	return slices.ContainsFunc(marks(), func(m mark) bool { return bytes.HasPrefix(b.bytes, []byte(m.mark)) })
}

// isUTF8 reports whether the file has letters beyond ASCII, and all are UTF-8, which hardly happens
// by chance: an encoding that is kept does not make others of them.
func (b beginning) isUTF8() bool {
	return utf8.Valid(b.bytes) && bytes.ContainsFunc(b.bytes, func(r rune) bool { return r >= utf8.RuneSelf })
}

// only returns the only dataset that is kept and whose header row is there if the file is read with
// what is kept for it.
func (b beginning) only(ctx context.Context, kept *source.Readings, hint source.Hint) (only billing.Dataset) {
	for _, k := range kept.Kept {
		if b.dataset(ctx, hint, hint.Settings.Over(k.Settings)) != k.Dataset {
			continue
		}
		if only != "" {
			return ""
		}
		only = k.Dataset
	}
	return only
}

// errEnough ends a look into a file at its first row.
var errEnough = errors.New("enough")

// dataset returns the dataset that the header row tells if the file is read with settings; empty if
// it tells none.
func (b beginning) dataset(ctx context.Context, hint source.Hint, s source.Settings) billing.Dataset {
	hint.Settings = s
	in, err := b.read(ctx, s)
	if err != nil {
		return ""
	}
	shape, err := csvsource.Format{}.Scan(ctx, in, hint, 1, func(source.Piece) error { return errEnough })
	if err != nil && !errors.Is(err, errEnough) {
		return ""
	}
	return shape.Dataset
}

// read reads the beginning as UTF-8.
func (b beginning) read(ctx context.Context, s source.Settings) (io.Reader, error) {
	if b.text {
		return bytes.NewReader(b.bytes), nil
	}
	return asText(ctx, bytes.NewReader(b.bytes), job.File{Settings: s}, nil)
}

// notes are what the report says about the settings of a file with this shape.
func (r reading) notes(s source.Shape) []string {
	read := "read with " + s.Settings.String()
	told := s.Told != ""
	switch {
	case s.Settings.IsZero():
		return nil
	case told && r.given.IsZero():
		read += ", as the rejects file says"
	case told && !reflect.DeepEqual(r.given, s.Settings):
		read += "; what the import did not say is as the rejects file says"
	case told, r.kept == "":
	case r.given.IsZero():
		read += ", which the data source keeps for " + words(r.kept)
	default:
		read += "; what the import did not say is what the data source keeps for " + words(r.kept)
	}
	return []string{read}
}

// explain adds to an error about a file that it was read with settings which nobody has given now.
func (r reading) explain(err error, s source.Shape) error {
	told := s.Told != "" && !s.Settings.IsZero()
	switch text := sentence(err.Error()); {
	case !fault.Is(err, fault.Invalid):
	case told:
		return fault.Newf(fault.Invalid, fault.CodeOf(err), "%s It was read with %s, as the rejects file says; what the import is told beats that.", text, s.Settings)
	case s.Told == "" && r.kept != "":
		return fault.Newf(fault.Invalid, fault.CodeOf(err),
			"%s It was read with %s, which the data source keeps for %s: \"reseed sources set\" shows and changes that.", text, s.Settings, words(r.kept))
	}
	return err
}

// sentence ends a text with a full stop.
func sentence(s string) string { return strings.TrimSuffix(s, ".") + "." }

// words spells the name of a dataset for people.
func words(ds billing.Dataset) string { return strings.ReplaceAll(string(ds), "_", " ") }
