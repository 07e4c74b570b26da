space s {
  input image: [3, 32, 32]
  depth d in 1..=3
  y = x[d]
  for i in 0..3 { x[i+1] = image }
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
