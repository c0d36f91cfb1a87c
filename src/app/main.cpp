#include "app/commands.h"

int main(int argc, char** argv) {
  return sallyport::app::run(argc, argv);
}
