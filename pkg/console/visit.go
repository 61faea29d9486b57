package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"reseed/pkg/api/client"
)

// route is a method and path with its handler.
type route struct {
	pattern string
	handle  func(*visit) (answer, error)
	open    bool // also for people who are not signed in
}

// visit is one request on its way through a handler.
type visit struct {
	*http.Request
	c      *Console
	client *client.Client // of the session; of nobody if there is none
	w      http.ResponseWriter
	files  io.ReadCloser // the body without a limit, for files: the API limits those
}

// answer is what a handler answers: a page, a part of one, another address, a file, or nothing.
type answer struct {
	status int
	page   string // name of the template
	part   string // the part of the page that is answered; empty for the whole page
	data   any    // the page's struct
	to     string // the address to go to
	file   io.ReadCloser
	name   string // of the file
	kind   string // content type of the file
}

// show answers a page.
func show(page string, data any) answer { return answer{status: http.StatusOK, page: page, data: data} }

// refuse answers a form's own page, filled as it was sent, with what is wrong with it.
func refuse(page string, data any) answer {
	return answer{status: http.StatusUnprocessableEntity, page: page, data: data}
}

// part answers a part of a page: a template that is defined in the page's file.
func part(page, name string, data any) answer {
	return answer{status: http.StatusOK, page: page, part: name, data: data}
}

// goTo sends the browser to another page, which it gets.
func goTo(path string) answer { return answer{status: http.StatusSeeOther, to: path} }

// nothing leaves the page as it is.
func nothing() answer { return answer{status: http.StatusNoContent} }

// download answers a file to be kept.
func download(file io.ReadCloser, name, kind string) answer {
	return answer{status: http.StatusOK, file: file, name: name, kind: kind}
}

// swaps reports whether htmx asks for a part of the page to put into it.
func (v *visit) swaps() bool { return v.Header.Get("HX-Request") == "true" }

// ctx is the context of calls of the API.
func (v *visit) ctx() context.Context { return v.Context() }

// maxForm is how many bytes a form may have, files aside.
const maxForm = 1 << 20

// serve returns the handler of a route.
func (c *Console) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := client.WithCaller(r.Context(), r.RemoteAddr)
		v := &visit{Request: r.WithContext(ctx), c: c, w: w, files: r.Body}
		token := c.token(r)
		v.client = c.clientOf(token)
		v.Body = http.MaxBytesReader(w, r.Body, maxForm)
		var a answer
		err := errSignedOut
		if rt.open || token != "" {
			a, err = rt.handle(v)
		}
		if err != nil {
			a = v.failed(err)
		}
		c.write(v, a)
	})
}

// clientOf is a client with the token of a session, or with a key.
func (c *Console) clientOf(key string) *client.Client { return client.New(inside, key, c.api) }

// inside is the address of the API for the client, which never leaves the process.
const inside = "http://reseed"

func (c *Console) write(v *visit, a answer) {
	h := v.w.Header()
	switch {
	case a.to != "":
		http.Redirect(v.w, v.Request, a.to, a.status)
	case a.file != nil:
		defer func() { _ = a.file.Close() }()
		h.Set("Content-Type", a.kind)
		h.Set("Content-Disposition", disposition(a.name))
		if _, err := io.Copy(v.w, a.file); err != nil && v.Context().Err() == nil {
			panic(http.ErrAbortHandler) //nolint:forbidigo // net/http cuts the answer: a part must not look like the whole
		}
	case a.page == "":
		v.w.WriteHeader(a.status)
	default:
		var out bytes.Buffer // so that an error leaves no half page
		if err := c.pages.render(&out, a.page, a.part, a.data); err != nil {
			c.Log.Error("page cannot be shown", slog.String("page", a.page), slog.String("error", err.Error()))
			http.Error(v.w, "This page cannot be shown, because of a fault of Reseed. The log of the server says more.", http.StatusInternalServerError)
			return
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Add("Vary", "HX-Request")
		v.w.WriteHeader(a.status)
		_, _ = v.w.Write(out.Bytes()) // an error is of the browser's connection
	}
}

// failed is the answer to an error of a handler.
func (v *visit) failed(err error) answer {
	if errors.Is(err, errSignedOut) {
		return v.signedOut()
	}
	if e, ok := errors.AsType[*client.ElsewhereError](err); ok {
		return goTo(e.URL)
	}
	e, ok := errors.AsType[*client.Error](err)
	switch {
	case v.Context().Err() != nil:
		return nothing()
	case !ok:
		v.c.Log.Error("page failed", slog.String("route", v.Pattern), slog.String("error", err.Error()))
		return v.problem(http.StatusBadGateway, "This did not work", "The server could not do this now. Try again in a moment; its log says more.")
	case e.Status == http.StatusUnauthorized:
		return v.signedOut()
	case e.Status == http.StatusNotFound:
		return v.problem(e.Status, "Not found", e.Message)
	}
	return v.problem(e.Status, "This did not work", e.Message)
}

// refusal is the API's error; ok is false, and the error nil, if it has none of these statuses.
func refusal(err error, statuses ...int) (e *client.Error, ok bool) {
	if e, ok = errors.AsType[*client.Error](err); ok && slices.Contains(statuses, e.Status) {
		return e, true
	}
	return nil, false
}

type problemPage struct {
	base
	Message string
}

func (v *visit) problem(status int, title, message string) answer {
	return answer{status: status, page: "problem", data: problemPage{v.base(title, ""), message}}
}

// unknown answers about a path that is not the console's.
func (c *Console) unknown(v *visit) (answer, error) {
	return v.problem(http.StatusNotFound, "Not found", "There is no such page."), nil
}

// foreign answers a request that a page of another site has made.
func (c *Console) foreign(v *visit) (answer, error) {
	return v.problem(http.StatusForbidden, "Refused", "This request came from a page of another site, so nothing was changed. Open Reseed at its own address, and do it there."), nil
}
