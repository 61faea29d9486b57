package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"reseed/pkg/chartmogul"
)

func serveCommand(sh *shell) *cobra.Command {
	var addr string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the REST API and do the work, all in one process",
		Long: `Serve the ChartMogul-compatible REST API, and import what is put into the
object folder: DATA/objects/uploads/<source name or uuid>/<file>.csv.

The API key is RESEED_API_KEY. If that is not set, one is made at the first
start and printed once; only its hash is kept.`,
		Example: `  reseed serve
  RESEED_API_KEY=my-key reseed serve --addr 127.0.0.1:9000 --data /var/lib/reseed`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return sh.serve(c.Context(), addr) },
	}
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:8080", "address to listen on")
	return c
}

func (sh *shell) serve(ctx context.Context, addr string) error {
	sh.serving, sh.makesData = true, true
	if err := os.MkdirAll(sh.data, 0o700); err != nil {
		return fmt.Errorf("the data folder cannot be made: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w (choose another address with --addr)", err)
	}
	hash, made, err := sh.apiKey()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	a, err := openApp(ctx, sh, sh.logger(), hash)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	a.start(ctx)
	a.watchUploads(ctx)
	srv := &http.Server{Handler: a.handler, ReadHeaderTimeout: 10 * time.Second}
	url := "http://" + l.Addr().String()
	if err := writeDoor(sh.data, door{url, a.key}); err != nil {
		return errors.Join(err, a.close(), l.Close())
	}
	sh.greet(url, made)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	_ = os.Remove(doorFile(sh.data))
	return errors.Join(err, shutDown(ctx, srv), a.close())
}

// shutDown lets running requests finish for a while.
func shutDown(ctx context.Context, srv *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return srv.Close()
	}
	return nil
}

func (sh *shell) greet(url, made string) {
	sh.printf("Reseed serves %s (data in %s)\n", url, sh.data)
	key := "YOUR_KEY"
	if made != "" {
		key = made
		sh.printf("API key: %s\n  It is shown this once; only its hash is kept. Set RESEED_API_KEY to use one of your own.\n", made)
	}
	sh.printf("Try, in another terminal:\n")
	sh.printf("  bin/reseed import testdata/company/*.csv --source Company\n")
	sh.printf("  curl -u %s: '%s/v1/customers?per_page=2'\n", key, url)
	sh.printf("Stop with Ctrl-C.\n")
}

// apiKey finds the hash of the API key: of RESEED_API_KEY, of the one made
// earlier, or of a new one, which is then returned to be printed.
func (sh *shell) apiKey() (hash [sha256.Size]byte, made string, err error) {
	if key := sh.env["RESEED_API_KEY"]; key != "" {
		return chartmogul.HashKey(key), "", nil
	}
	file := filepath.Join(sh.data, "api-key.sha256")
	if text, err := os.ReadFile(file); err == nil { //nolint:gosec // in the data folder that the person names
		if n, err := hex.Decode(hash[:], text[:min(len(text), hex.EncodedLen(sha256.Size))]); err != nil || n != sha256.Size {
			return hash, "", fmt.Errorf("%s is damaged; remove it, and a new API key is made", file)
		}
		return hash, "", nil
	}
	made = token()
	hash = chartmogul.HashKey(made)
	return hash, made, replaceFile(file, []byte(hex.EncodeToString(hash[:])))
}

// writeDoor lets the other commands on this folder in.
func writeDoor(data string, d door) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return replaceFile(doorFile(data), body)
}

// replaceFile writes a file that only its owner may read, in one step: a kill leaves it whole, or as it was.
func replaceFile(name string, body []byte) error {
	tmp := name + ".new"
	if err := os.WriteFile(tmp, body, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}
