// A block of lines in somebody else's file that is ours: marked at both ends, replaced as a whole,
// everything outside kept to the byte. Pure text; any thread.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::setup {

enum class Place : uint8_t { top, bottom };

// `text` with the block's lines replaced by `lines` (each ending in a newline); a block that is not
// there yet is added at `place`. Empty `lines` take the block away.
std::string with_block(std::string_view text, std::string_view lines, Place place);

// The lines between the marks; "" when there is no block.
std::string_view block_of(std::string_view text);

// The text in front of the block; "" when there is none.
std::string_view before_block(std::string_view text);

// The text without the block.
std::string without_block(std::string_view text);

}  // namespace sallyport::setup
