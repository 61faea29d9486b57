package console

import (
	"errors"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// importPage is where files are chosen.
type importPage struct {
	base
	Source  wire.Source
	Mode    string // wire.Upsert or wire.Replace
	Problem string
}

// uploadSource is the data source of the path.
func (v *visit) uploadSource() (wire.Source, error) {
	id := v.PathValue("id")
	named, err := v.client.SourcesNamed(v.ctx(), id)
	if err != nil {
		return wire.Source{}, err
	}
	for _, s := range named {
		if s.UUID == id {
			return s, nil
		}
	}
	return wire.Source{}, &client.Error{Status: http.StatusNotFound, Message: "There is no such data source; it may have been deleted."}
}

func (v *visit) importPage(mode string) (importPage, error) {
	src, err := v.uploadSource()
	return importPage{base: v.base("Import", "sources"), Source: src, Mode: importMode(mode)}, err
}

// importMode is a mode of imports; that which removes nothing if the word is another one.
func importMode(word string) string {
	if word == wire.Replace {
		return wire.Replace
	}
	return wire.Upsert
}

// showImport is GET /sources/{id}/import.
func (c *Console) showImport(v *visit) (answer, error) {
	p, err := v.importPage(v.FormValue("mode"))
	return show("import", p), err
}

// uploadFiles is POST /sources/{id}/uploads: a form with a mode and files.
func (c *Console) uploadFiles(v *visit) (answer, error) {
	p, err := v.importPage("")
	if err != nil {
		return answer{}, err
	}
	v.Body = v.files
	form, err := v.MultipartReader()
	if err != nil {
		p.Problem = "The files did not come as a form. Choose them again."
		return refuse("import", p), nil //nolint:nilerr // the page says it
	}
	parts := &fileParts{form: form}
	u, err := v.client.Upload(v.ctx(), p.Source.UUID, parts.files())
	p.Mode = importMode(parts.mode)
	e, refused := errors.AsType[*client.Error](err)
	switch {
	case errors.Is(err, errNoFile):
		p.Problem = "Choose one file or more."
	case errors.Is(err, errBrokenForm):
		p.Problem = "The files did not come whole. Choose them again."
	case refused && e.Status < http.StatusInternalServerError && e.Status != http.StatusUnauthorized:
		p.Problem = aboutFile(e.Message)
	case err != nil:
		return answer{}, err
	default:
		return goTo(uploadPath(p.Source.UUID, u.ID) + "?" + url.Values{"mode": {p.Mode}}.Encode()), nil
	}
	return refuse("import", p), nil
}

// aboutFile is a message of the API as a sentence, if it begins with the name of a field about a file.
func aboutFile(message string) string {
	field, text, ok := strings.Cut(message, ": ")
	if ok && (field == "file" || strings.HasPrefix(field, "files[")) {
		return "A file " + text + "."
	}
	return message
}

func uploadPath(source, id string) string {
	return "/sources/" + url.PathEscape(source) + "/uploads/" + url.PathEscape(id)
}

var (
	errNoFile     = errors.New("console: no file was chosen")
	errBrokenForm = errors.New("console: the form breaks off")
)

// fileParts are the files of a form, as they come in, and what stands before them.
type fileParts struct {
	form *multipart.Reader
	mode string
}

// files yields the files of the form. A browser sends one without a name if none was chosen.
func (p *fileParts) files() iter.Seq2[client.File, error] {
	return func(yield func(client.File, error) bool) {
		for n := 0; ; {
			part, err := p.form.NextPart()
			switch {
			case errors.Is(err, io.EOF) && n == 0:
				yield(client.File{}, errNoFile)
				return
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(client.File{}, errBrokenForm)
				return
			case part.FormName() == "mode":
				word, _ := io.ReadAll(io.LimitReader(part, 20)) // a part that breaks off is the last one
				p.mode = string(word)
			case part.FormName() == "file" && part.FileName() != "":
				n++
				if !yield(client.File{Name: part.FileName(), Open: func() (io.ReadCloser, error) { return whole{part}, nil }}, nil) {
					return
				}
			}
		}
	}
}

// whole is a part of a form; if that breaks off, reading says so.
type whole struct{ *multipart.Part }

// Read reads on.
func (w whole) Read(p []byte) (int, error) {
	n, err := w.Part.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = errBrokenForm
	}
	return n, err
}

// formsPage are the forms with which files are sent to where the objects are.
type formsPage struct {
	importPage
	Upload *wire.Upload
	Then   string // the page to go to afterwards
}

// announceFiles is POST /sources/{id}/uploads/forms: name and size of each file, and the mode. The answer
// has a form for each, which the script of the page sends; it is empty where files are sent to this
// server.
func (c *Console) announceFiles(v *visit) (answer, error) {
	p, err := v.importPage(v.PostFormValue("mode"))
	if err != nil {
		return answer{}, err
	}
	var files []wire.Announced
	for i, name := range v.PostForm["name"] {
		f := wire.Announced{Name: name}
		if i < len(v.PostForm["size"]) {
			f.Size, _ = strconv.ParseInt(v.PostForm["size"][i], 10, 64) // the API refuses what is no number of bytes
		}
		files = append(files, f)
	}
	u, err := v.client.AnnounceUpload(v.ctx(), p.Source.UUID, files)
	e, refused := refusal(err, http.StatusUnprocessableEntity)
	switch {
	case client.IsConflict(err):
		return nothing(), nil
	case refused:
		p.Problem = aboutFile(e.Message)
		return refuse("import", p), nil
	case err != nil:
		return answer{}, err
	}
	return part("import", "forms", formsPage{p, u, uploadPath(p.Source.UUID, u.ID) + "?" + url.Values{"mode": {p.Mode}}.Encode()}), nil
}
