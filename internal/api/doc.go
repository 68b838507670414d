// Package api is Parley's HTTP side: REST under /api/v1 with its OpenAPI
// document, files, health, and the files of the web client. It hides HTTP: how
// people are recognised, which headers protect them, how bodies are bounded and
// read, and how errors look. What may be done is decided in package service.
package api
