// Address space that is set aside at start and given up, slice by slice, when memory has run out:
// what asked for it gets it, and everybody is told to make room (is_short()), before an allocation
// would have to fail in a place that cannot bear it. Costs no memory while it is not used. Any
// thread.
#pragma once

#include <cstddef>

namespace sallyport::memory {

// Once, before the threads start: from then on operator new and allocate() give up the reserve
// before they fail.
void set_aside_reserve();

// Some of the reserve is in use. One relaxed load.
bool is_short() noexcept;
// Half of it is: whoever can must give memory back now.
bool is_very_short() noexcept;
// Gives free memory back to the system and sets the reserve aside anew, as far as there is memory.
void recover() noexcept;

// malloc, by these rules; throws std::bad_alloc. Freed with std::free.
void* allocate(size_t bytes);

// Gives up a slice. False when none is left. For tests, and for allocate().
bool give_up_slice() noexcept;

}  // namespace sallyport::memory
