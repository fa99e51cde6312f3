// Package top draws the snapshots of package monitor on a terminal, and changes what is drawn by keys:
// framebuffer top.
//
// [Draw] returns the text of a screen for a [View] and a size and does nothing else. All that colours say
// stands in the text too, so that a screen without colours is complete. [Run] draws until the user quits.
package top
