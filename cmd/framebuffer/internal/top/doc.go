// Package top draws what package monitor sees of a segment on a terminal and redraws it as
// keys say: framebuffer top.
//
// Draw makes the text of a screen from a View and a size and does nothing else; whatever
// colour says also stands in its text, so that a screen without colour lacks nothing. Run
// looks at a segment again and again and shows it.
package top
