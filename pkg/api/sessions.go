package api

import (
	"net/http"

	"reseed/pkg/api/wire"
	"reseed/pkg/httpapi"
)

// createSession is POST /v1/sessions.
func createSession(c *call) (httpapi.Reply, error) {
	n, token, err := c.keys.SignIn(c.Call)
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusCreated, Body: wire.Session{Token: token, Key: c.Author, Expires: n.Expires}}, nil
}

// endSessions is DELETE /v1/sessions: all sessions of the request's key, or with ?which=this the one
// that the request came with.
func endSessions(c *call) (httpapi.Reply, error) {
	this := c.Param("which") == "this"
	if which := c.Param("which"); !this && which != "" {
		return httpapi.Reply{}, httpapi.Unusable("which")
	}
	return httpapi.Reply{Status: http.StatusNoContent}, c.keys.SignOut(c.Call, !this)
}
