package main

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"reseed/pkg/console"
	"reseed/pkg/httpapi"
)

// withConsole adds the console to the API.
func (in *instance) withConsole(ctx context.Context, api http.Handler) http.Handler {
	bucket, err := in.FormsTo(ctx)
	if err != nil { // then large files cannot be sent with the console, and all else goes on
		in.Log.Error("the bucket has no address for files of browsers", "error", err.Error())
	}
	return console.New(console.Config{API: api, Log: in.Log, Now: time.Now, Limit: httpapi.DefaultPatience().Around, Bucket: bucket})
}

// browse says where people open the console. If only this machine can connect, it prints a link
// that signs a browser in; elsewhere the output may be kept in a log that others read.
func (sh *shell) browse(ctx context.Context, at net.Addr, made string, in *instance, set []httpapi.Key) error {
	if tcp, ok := at.(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		sh.printf("Browsers need HTTPS in front of this address; they sign in with an API key.\n")
		return nil
	}
	link, err := in.signInLink(ctx, made, set)
	switch {
	case err != nil:
		return err
	case link == "":
		sh.printf("Open in a browser: http://%s\n", at)
	default:
		sh.printf("Open in a browser: http://%s%s\n  It signs you in once, within an hour; after that, sign in with an API key.\n", at, link)
	}
	return nil
}

// signInLink is the path of a link that signs a browser in, with the key that was just made, or else
// with the first one of the settings or the table. It is empty if there is no key.
func (in *instance) signInLink(ctx context.Context, made string, set []httpapi.Key) (string, error) {
	hash := httpapi.HashKey(made)
	if made == "" {
		list, err := in.Store.APIKeys(ctx)
		switch {
		case err != nil:
			return "", err
		case len(set) > 0:
			hash = set[0].Hash
		case len(list) > 0:
			hash = list[0].Hash
		default:
			return "", nil
		}
	}
	link, token := httpapi.NewSession(hash, true, time.Now())
	return "/login?" + url.Values{"link": {token}}.Encode(), in.Store.AddSession(ctx, link)
}
