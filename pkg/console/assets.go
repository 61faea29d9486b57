package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"time"
)

//go:embed web
var web embed.FS

// assets are the files that pages load, by name. A file's address holds the hash of its bytes, so
// that browsers may keep it for ever.
type assets map[string]asset

type asset struct {
	hash string
	text []byte
}

func loadAssets() assets {
	all := assets{}
	files, _ := web.ReadDir("web/assets") // it is embedded
	for _, f := range files {
		text, _ := web.ReadFile("web/assets/" + f.Name())
		sum := sha256.Sum256(text)
		all[f.Name()] = asset{hex.EncodeToString(sum[:6]), text}
	}
	return all
}

// path is the address of a file.
func (a assets) path(name string) string { return "/assets/" + a[name].hash + "/" + name }

// ServeHTTP answers with a file. A page that was loaded before an update may ask for an older one:
// it gets today's, which is not kept.
func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	found, ok := a[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.PathValue("hash") == found.hash {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(found.text))
}
